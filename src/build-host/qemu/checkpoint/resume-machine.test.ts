import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Target, TargetCommand } from '../../../toe/target.ts';
import { CheckpointUnusable } from '../../checkpoint-unusable.ts';
import { awaken } from './resume-machine.ts';

const { signal } = new AbortController();

function guest(code: number): { readonly target: Target; readonly commands: TargetCommand[] } {
  const commands: TargetCommand[] = [];
  const run = async (command: TargetCommand) => {
    commands.push(command);
    command.onStderr?.(Buffer.from('date: cannot set date: Operation not permitted\n'));
    return { code };
  };
  return { commands, target: { os: 'linux', name: 'guest', run, reboot: () => assert.fail('not rebooted') } };
}

test('a guest that goes on is told the time, and gets random numbers that no other one gets', async () => {
  const { target, commands } = guest(0);
  await awaken(target, new Date('2026-03-09T12:00:00.250Z'), signal);
  await awaken(target, new Date('2026-03-09T12:00:01Z'), signal);
  assert.deepEqual(
    commands.map(({ argv }) => argv.at(-1)),
    ['1773057600.250', '1773057601.000'],
  );
  const seeds = commands.map(({ stdin }) => Buffer.from(stdin as Uint8Array));
  assert.deepEqual(
    seeds.map(({ length }) => length),
    [512, 512],
  );
  assert.ok(!seeds[0]?.equals(seeds[1] ?? Buffer.alloc(0)));
});

test('one whose clock cannot be set is not gone on with', async () => {
  await assert.rejects(
    awaken(guest(1).target, new Date(), signal),
    (error) =>
      error instanceof CheckpointUnusable && error.kind === 'refused' && /clock .*not permitted/.test(error.message),
  );
});
