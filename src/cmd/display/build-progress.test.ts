import assert from 'node:assert/strict';
import { test } from 'node:test';
import pc from 'picocolors';
import type { FollowLine } from '../../contract/follow.ts';
import { advance, type BuildProgress, NO_PROGRESS } from './build-progress.ts';
import { renderProgress } from './render-progress.ts';
import { displayWidth } from './text.ts';

const at = (seconds: number): string => new Date(Date.UTC(2026, 10, 23, 3, 0, seconds)).toISOString();
const step = (id: string, name: string, status: string, seconds: number, more: object = {}): FollowLine => ({
  kind: 'step',
  at: at(seconds),
  workflow: 'build-image',
  stepExecutionId: id,
  name,
  action: name,
  status,
  ...more,
});

const LINES: readonly FollowLine[] = [
  { kind: 'image', at: at(0), status: 'PENDING' },
  { kind: 'image', at: at(1), status: 'BUILDING' },
  step('1', 'Launch', 'PENDING', 1),
  step('2', 'Apply', 'PENDING', 1),
  step('1', 'Launch', 'RUNNING', 1),
  { kind: 'log', at: at(2), source: 'console', message: 'kernel' },
  step('1', 'Launch', 'COMPLETED', 31, { seconds: 30 }),
  step('2', 'Apply', 'RUNNING', 31),
  { kind: 'log', at: at(32), source: 'stdout', message: '\u001b[31mSetting up nginx\u001b[0m\tnow' },
];

const progress = LINES.reduce<BuildProgress>(advance, NO_PROGRESS);
const frame = { progress, now: Date.parse(at(36)), columns: 79, rows: 24, colours: pc.createColors(false) };

test('the display shows the stages, their steps with times, and what the running step said last', () => {
  assert.deepEqual(renderProgress(frame), [
    'BUILDING                                                            36 s',
    '  build-image',
    '    ✓ Launch                                                        30 s',
    '    › Apply                                                        5.0 s',
    '      Setting up nginx  now',
  ]);
});

test('what is said before the first step is shown too: a base image takes minutes', () => {
  const making: FollowLine = { kind: 'log', at: at(2), source: 'kiln', message: 'making the base image' };
  const early = advance(advance(NO_PROGRESS, { kind: 'image', at: at(0), status: 'CREATING' }), making);
  assert.equal(renderProgress({ ...frame, progress: early })[1], '      making the base image');
});

test('no line of the display is wider than the terminal, and never more lines than it has', () => {
  for (const columns of [1, 10, 20, 40, 79, 200]) {
    for (const rows of [2, 3, 4, 24]) {
      const lines = renderProgress({ ...frame, columns, rows });
      assert.ok(lines.length < rows);
      for (const line of lines) assert.ok(displayWidth(line) <= columns, `${columns}: ${line}`);
    }
  }
});

test('the last output line is gone when its step ended', () => {
  const ended = advance(progress, step('2', 'Apply', 'COMPLETED', 40, { seconds: 9 }));
  assert.ok(
    !renderProgress({ ...frame, progress: ended })
      .join('\n')
      .includes('nginx'),
  );
});

test('only the last lines of output are kept for an explanation', () => {
  const long = Array.from({ length: 50 }, (_, index): FollowLine => {
    return { kind: 'log', at: at(1), source: 'stderr', message: `line ${index}` };
  }).reduce<BuildProgress>(advance, NO_PROGRESS);
  assert.equal(long.tail.length, 20);
  assert.equal(long.tail.at(-1), 'line 49');
});
