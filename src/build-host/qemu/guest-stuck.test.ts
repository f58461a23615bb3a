import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildFailure } from '../../util/faults.ts';
import { bootAgainIfStuck, GuestStuck, stuckOf } from './guest-stuck.ts';

const lockup = (seconds: number): string =>
  `[  468.638632] watchdog: BUG: soft lockup - CPU#1 stuck for ${seconds}s! [systemd-network:1130]`;

test('a processor that is stuck for good is told from one that had no turn for a while', () => {
  assert.match(stuckOf(lockup(74))?.message ?? '', /^Processor 1 of the guest has been stuck for 74 s$/);
  assert.equal(stuckOf(lockup(23)), undefined);
  assert.equal(stuckOf('[  468.638632] rcu: INFO: rcu_preempt self-detected stall on CPU'), undefined);
});

test('a guest that gets stuck at its boot is booted once more, and not for ever', async () => {
  const told: string[] = [];
  const boot = (failures: readonly Error[]) => {
    const left = [...failures];
    return bootAgainIfStuck(
      async () => {
        const failure = left.shift();
        if (failure !== undefined) throw failure;
        return 'up';
      },
      ({ message }) => void told.push(message),
    );
  };
  const stuck = stuckOf(lockup(60)) ?? new Error('not seen');
  assert.equal(await boot([stuck]), 'up');
  assert.deepEqual(told, ['Processor 1 of the guest has been stuck for 60 s']);
  await assert.rejects(boot([stuck, stuck]), GuestStuck);
  await assert.rejects(boot([new BuildFailure('it ended')]), /it ended/);
});
