import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BuildProgress, BuildRun } from '../build-run.ts';
import type { ExecutionRecord } from '../execution-records.ts';
import type { ComponentRecord } from './component-record.ts';
import { BOOT_DURATION, chosenDuration, componentDuration, GOING_ON_DURATION, stepDuration } from './durations.ts';
import { noteDurations } from './note-durations.ts';

const AT = new Date('2026-03-09T12:00:00Z');
const ran = (name: string, executor: 'direct' | 'vm'): ComponentRecord => ({
  ...{ component: name, name, executor, seconds: 2, ranAt: AT.toISOString(), image: 'i' },
});
/** A build whose steps took so many seconds each. */
const steps = (type: string, ...names: readonly (readonly [action: string, seconds: number, instanceId?: string])[]) =>
  ({
    type,
    steps: names.map(([action, seconds, instanceId]) => ({
      ...{ action, status: 'COMPLETED', outputs: instanceId === undefined ? null : { instanceId } },
      ...{ started_at: AT, ended_at: new Date(AT.getTime() + seconds * 1000) },
    })),
  }) as unknown as ExecutionRecord;

async function noted(executor: string, progress: Partial<BuildProgress>, ...records: readonly ExecutionRecord[]) {
  const seconds: Record<string, number> = {};
  const durations = {
    add: async (all: ReadonlyMap<string, number>) => void Object.assign(seconds, Object.fromEntries(all)),
  };
  await noteDurations({ engine: { durations }, plan: { executor }, progress } as unknown as BuildRun, records);
  return seconds;
}

describe('what is noted for predictions', () => {
  test('a launch and a machine that goes on are two things', async () => {
    const build = steps('BUILD', ['LaunchInstance', 40, 'i-1'], ['ExecuteComponents', 9], ['CreateImage', 1]);
    const tests = steps('TEST', ['LaunchInstance', 30, 'i-2']);
    assert.deepEqual(await noted('vm', { bootSeconds: 39 }, build, tests), {
      [stepDuration('LaunchInstance', 'vm')]: 40,
      [stepDuration('CreateImage', 'vm')]: 1,
      [stepDuration('LaunchInstance', 'test')]: 30,
      [BOOT_DURATION]: 39,
    });
    const wentOn = new Set(['i-1']);
    const second = await noted('vm', { wentOn }, steps('BUILD', ['LaunchInstance', 1, 'i-1']), tests);
    assert.deepEqual(second, { [GOING_ON_DURATION]: 1, [stepDuration('LaunchInstance', 'test')]: 30 });
  });

  test('of components that auto ran, where the first ones ran up to that which made it boot', async () => {
    const all = [ran('a', 'direct'), ran('b', 'vm'), ran('c', 'vm')];
    const times = [componentDuration('a', 'direct'), componentDuration('b', 'vm'), componentDuration('c', 'vm')];
    const names = async (executor: string, of: readonly ComponentRecord[]) =>
      Object.keys(await noted(executor, { ran: of }));
    assert.deepEqual(await names('auto', all), [...times, chosenDuration('a', 'direct'), chosenDuration('b', 'vm')]);
    assert.deepEqual(await names('vm', all), times);
    assert.deepEqual(await names('auto', all.slice(0, 1)), [times[0], chosenDuration('a', 'direct')]);
  });
});
