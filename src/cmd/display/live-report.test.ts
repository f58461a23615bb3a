import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { FollowStep } from '../../contract/follow.ts';
import { createLiveReport } from './live-report.ts';

const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1';
const AT = '2026-11-23T03:04:05.000Z';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const FRAME_MS = 100;

/** A terminal of this size, and what was written to it since the last look. */
function terminalOf(size: { readonly columns: number; readonly rows: number }) {
  let text = '';
  const write = (part: string): boolean => {
    text += part;
    return true;
  };
  return {
    stream: { ...size, write } as unknown as NodeJS.WriteStream,
    written: () => {
      const now = text;
      text = '';
      return now;
    },
  };
}

function report(t: TestContext, size = { columns: 60, rows: 20 }) {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.parse(AT) });
  const terminal = terminalOf(size);
  return { terminal, live: createLiveReport(terminal.stream, false) };
}

const STEP: FollowStep = {
  ...{ kind: 'step', at: AT, workflow: 'build-image', stepExecutionId: 's-1' },
  ...{ name: 'Launch', action: 'LaunchInstance', status: 'RUNNING' },
};

test('a build is shown in place while it runs, and its summary is the last thing on the terminal', (t) => {
  const { terminal, live } = report(t);
  live.started(ARN);
  assert.match(terminal.written(), new RegExp(`building   ${ARN}`));
  live.line({ kind: 'image', at: AT, status: 'BUILDING' });
  live.line(STEP);
  live.line({ kind: 'log', at: AT, source: 'stdout', message: 'unpacking \u001b[2J nginx' });
  t.mock.timers.tick(FRAME_MS);
  const frame = terminal.written();
  assert.ok(frame.includes(HIDE_CURSOR));
  for (const part of [/BUILDING/, / {2}build-image/, /› Launch/, /unpacking +nginx/]) assert.match(frame, part);
  assert.ok(!frame.includes('\u001b[2J'), 'what a program prints does not move the cursor');

  t.mock.timers.tick(12_000);
  const later = terminal.written();
  assert.match(later, /› Launch +12 s/);
  // Four lines are drawn over.
  assert.ok(later.includes('\u001b[4A'));

  const steps = [{ ...STEP, message: undefined, startedAt: 0, status: 'COMPLETED', seconds: 12 }];
  live.done({
    ...{ imageBuildVersionArn: ARN, status: 'AVAILABLE', reason: undefined, amiId: 'ami-0123456789abcdef0' },
    ...{ file: '/tmp/web.qcow2', fileBytes: 1_000_000, seconds: 13, steps, failure: undefined, tail: [] },
    ...{ keptInstances: [], outputs: [] },
  });
  const end = terminal.written();
  const [drawn = '', summary = ''] = end.split(SHOW_CURSOR);
  assert.ok(drawn.endsWith('\u001b[J'), 'the block is gone');
  assert.match(summary, new RegExp(`Launch +12 s\\n +Total +13 s\\n\\nAVAILABLE {2}${ARN}\\n`));
  assert.match(summary, /File {7}\/tmp\/web\.qcow2 {3}1\.0 MB\n$/);
  live.close();
  t.mock.timers.tick(10 * FRAME_MS);
  assert.equal(terminal.written(), '');
});

test('a report that is closed in the middle gives the cursor back, once', (t) => {
  const { terminal, live } = report(t);
  live.started(ARN);
  live.line(STEP);
  t.mock.timers.tick(FRAME_MS);
  terminal.written();
  live.close();
  assert.equal(terminal.written().split(SHOW_CURSOR).length, 2);
  live.close();
  t.mock.timers.tick(10 * FRAME_MS);
  assert.equal(terminal.written(), '');
});

test('no more lines are drawn than the terminal has, none longer than it is wide, and a note is among them', (t) => {
  const { terminal, live } = report(t, { columns: 20, rows: 5 });
  live.started(ARN);
  terminal.written();
  for (let index = 0; index < 10; index++) {
    live.line({ ...STEP, stepExecutionId: `s-${index}`, name: `AStepWithALongName${index}` });
  }
  live.note('writing /a/file/with/a/long/name.qcow2');
  t.mock.timers.tick(FRAME_MS);
  const lines = terminal
    .written()
    .replaceAll(/\u001b\[[?0-9]*[a-zA-Z]/g, '')
    .trim()
    .split('\n');
  assert.ok(lines.length < 5, lines.join('\n'));
  assert.match(lines.at(-1) ?? '', /^writing \/a/);
  for (const line of lines) assert.ok(line.length < 20, line);
});
