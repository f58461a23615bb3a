import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { BuilderFault } from '../../../util/faults.ts';
import { silentMonitor } from '../../../util/monitor.ts';
import { FILES, readRecord, writeRecord } from '../instance-record.ts';
import { DEFAULT_PROGRAMS } from '../programs.ts';
import type { Qmp } from '../qmp.ts';
import { connectInFolder } from '../unix-socket.ts';
import { CHECKPOINT_FILES } from './checkpoint-files.ts';
import { type CheckpointedMachine, takeCheckpoint } from './take-checkpoint.ts';

const context = { signal: new AbortController().signal, monitor: silentMonitor };

interface Simulated {
  readonly machine: CheckpointedMachine;
  readonly place: { readonly disk: string; readonly state: string };
  /** What QEMU was asked, without the questions how far it is. */
  readonly asked: readonly string[];
}

/**
 * A QEMU of which only the answers are there.
 *
 * @param answer What it says to a command in place of the usual.
 * @param send What it sends of the memory; it never ends the connection by itself.
 */
async function simulate(
  t: TestContext,
  answer: (command: string) => unknown,
  send: (socket: Socket) => void = () => {},
): Promise<Simulated> {
  const root = await mkdtemp(join(tmpdir(), 'kiln-take-checkpoint-'));
  const folder = join(root, 'instance');
  await mkdir(folder);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', join(folder, FILES.rootDisk), '16M']);
  for (const file of [FILES.seed, FILES.sshKey]) await writeFile(join(folder, file), 'x', { mode: 0o600 });
  await writeRecord(folder, { instanceId: `i-${'a'.repeat(17)}`, owner: 'test' });
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await rm(root, { recursive: true });
  });
  const asked: string[] = [];
  const execute = async (command: string): Promise<unknown> => {
    if (!command.startsWith('query-')) asked.push(command);
    const said = answer(command);
    if (said instanceof Error) throw said;
    if (command === 'migrate') {
      const socket = await connectInFolder(folder, 'memory.sock');
      socket.on('error', () => {});
      sockets.push(socket);
      send(socket);
    }
    if (said !== undefined) return said;
    const image = { 'virtual-size': 16 * 2 ** 20 };
    return command === 'query-block' ? [{ qdev: '/root-disk', inserted: { 'node-name': 'root', image } }] : {};
  };
  const qmp: Qmp = { execute, closed: new Promise(() => {}), close: () => {} };
  const fingerprint = { qemu: 'QEMU 1', accelerator: 'tcg', cpuModel: 'max', vcpus: 1, memoryMiB: 512, devices: '' };
  return {
    machine: {
      ...{ folder, qmp, fingerprint, hostKey: 'ssh-ed25519 AAAA', programs: DEFAULT_PROGRAMS },
      ...{ backgroundFromMiB: 4096, stalledMs: 60 },
    },
    place: { disk: join(root, 'frozen.qcow2'), state: join(root, 'state') },
    asked,
  };
}

const active = (bytes: number): unknown => ({ status: 'active', ram: { transferred: bytes } });

test('a saving that does not get on is given up after its limit, and the guest goes on', async (t) => {
  let cancelled = false;
  const { machine, place, asked } = await simulate(
    t,
    (command) => {
      if (command === 'migrate_cancel') cancelled = true;
      return command === 'query-migrate' ? (cancelled ? { status: 'cancelled' } : active(1000)) : undefined;
    },
    // It has the connection open for good, as a QEMU that hangs does.
    (socket) => socket.write(Buffer.alloc(1000)),
  );
  await assert.rejects(
    takeCheckpoint(machine, place, context),
    (error) =>
      error instanceof BuilderFault &&
      /does not get on with saving the machine \(active, 1000 bytes\)/.test(error.message),
  );
  assert.deepEqual(asked.slice(-3), ['migrate', 'migrate_cancel', 'cont']);
  assert.equal(existsSync(join(place.state, CHECKPOINT_FILES.record)), false, 'it is no checkpoint');
  assert.ok(existsSync(place.disk), 'what the guest lies on stays');
});

test('one that QEMU does not even give up on being told has the guest go on too', async (t) => {
  const { machine, place, asked } = await simulate(t, (command) =>
    command === 'query-migrate' ? active(1) : undefined,
  );
  await assert.rejects(takeCheckpoint(machine, place, context), /does not get on/);
  assert.equal(asked.at(-1), 'cont');
});

test('one that is slow, but gets on, is waited for', async (t) => {
  let looks = 0;
  const { machine, place } = await simulate(
    t,
    (command) => {
      if (command !== 'query-migrate') return undefined;
      looks++;
      // Looked at every few milliseconds: several times the limit.
      return looks < 60 ? active(looks) : { status: 'completed' };
    },
    (socket) => socket.end(Buffer.alloc(100_000, 1)),
  );
  await takeCheckpoint(machine, place, context);
  assert.ok(looks >= 60);
  assert.ok(existsSync(join(place.state, CHECKPOINT_FILES.record)));
});

test('a disk that is full while the memory is written is told as such; the guest goes on, and nothing counts', {
  skip: process.getuid?.() !== 0 && 'only root can mount',
}, async (t) => {
  let small = '';
  const { machine, place, asked } = await simulate(
    t,
    (command) => {
      // The folder for the state is there by the time the guest is stopped, and nothing in it.
      if (command === 'migrate-set-parameters') {
        small = place.state;
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'kiln-test', small]);
      }
      return command === 'query-migrate' ? { status: 'completed' } : undefined;
    },
    // Nothing that can be compressed.
    (socket) => socket.end(randomBytes(12 * 1024 * 1024)),
  );
  try {
    await assert.rejects(
      takeCheckpoint(machine, place, context),
      (error) => error instanceof BuilderFault && /disk .* is full/.test(error.message),
    );
    assert.equal(asked.at(-1), 'cont');
    assert.equal(existsSync(join(place.state, CHECKPOINT_FILES.record)), false);
  } finally {
    execFileSync('umount', [small]);
  }
});

describe('a disk that cannot be frozen is the one that the instance goes on with', () => {
  /** Whatever happens on the way to it: QEMU writes where the record says, and nobody takes the disk for a frozen one. */
  async function assertAsBefore(simulated: Simulated, why: RegExp, place = simulated.place): Promise<void> {
    const { machine, asked } = simulated;
    let frozen = false;
    const onFrozen = (): void => {
      frozen = true;
    };
    await assert.rejects(takeCheckpoint(machine, place, { ...context, onFrozen }), why);
    assert.equal(frozen, false);
    assert.equal(asked.filter((command) => command === 'stop').length, asked.filter((one) => one === 'cont').length);
    assert.equal((await readRecord(machine.folder))?.rootDisk, undefined);
    await assert.rejects(stat(place.disk), { code: 'ENOENT' });
  }

  test('when QEMU refuses', async (t) => {
    const simulated = await simulate(t, (command) =>
      command === 'blockdev-snapshot-sync' ? new Error('QEMU: no') : undefined,
    );
    await assertAsBefore(simulated, /QEMU: no/);
  });

  test('when its record cannot be written', async (t) => {
    const simulated = await simulate(t, () => undefined);
    await mkdir(join(simulated.machine.folder, `${FILES.record}.new`));
    await assertAsBefore(simulated, /EISDIR/);
    assert.deepEqual(simulated.asked, [], 'QEMU was told nothing');
  });

  test('when it cannot be put at its place', async (t) => {
    const simulated = await simulate(t, () => undefined);
    const disk = join(simulated.place.disk, '..', 'missing', 'frozen.qcow2');
    await assertAsBefore(simulated, /ENOENT/, { ...simulated.place, disk });
    assert.ok(!simulated.asked.includes('blockdev-snapshot-sync'));
  });
});

test('a disk that is frozen is at its place before QEMU writes on the overlay, and the record names that', async (t) => {
  let seen = false;
  const { machine, place } = await simulate(
    t,
    (command) => {
      if (command === 'blockdev-snapshot-sync') seen = existsSync(place.disk);
      return command === 'query-migrate' ? { status: 'completed' } : undefined;
    },
    (socket) => socket.end(Buffer.alloc(1000, 1)),
  );
  let frozen = 0;
  await takeCheckpoint(machine, place, { ...context, onFrozen: () => void frozen++ });
  assert.deepEqual([seen, frozen], [true, 1]);
  assert.match((await readRecord(machine.folder))?.rootDisk ?? '', /^root-[0-9]+\.qcow2$/);
});
