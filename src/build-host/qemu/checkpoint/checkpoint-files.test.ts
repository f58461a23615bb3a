import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CheckpointUnusable } from '../../checkpoint-unusable.ts';
import { CHECKPOINT_FILES, finishCheckpoint, readCheckpoint, restoreFiles } from './checkpoint-files.ts';
import { fingerprintDifference, type MachineFingerprint } from './fingerprint.ts';

const FINGERPRINT: MachineFingerprint = {
  ...{ qemu: 'QEMU emulator version 7.2.22', accelerator: 'tcg', cpuModel: 'Haswell-noTSX' },
  ...{ vcpus: 2, memoryMiB: 1024, devices: 'a'.repeat(64) },
};

test('of two machines the first thing in which they differ is named', () => {
  assert.equal(fingerprintDifference(FINGERPRINT, { ...FINGERPRINT }), undefined);
  assert.equal(
    fingerprintDifference(FINGERPRINT, { ...FINGERPRINT, accelerator: 'kvm', vcpus: 4 }),
    'accelerator was tcg and is kvm',
  );
});

describe('the folder of a checkpoint', () => {
  let folder = '';
  let state = '';
  const damaged = (error: unknown): boolean => error instanceof CheckpointUnusable && error.kind === 'damaged';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-checkpoint-files-'));
    state = join(folder, 'state');
    await mkdir(state);
    for (const [file, text] of [
      ['seed.iso', 'a seed'],
      ['ssh_key', 'a key'],
    ] as const)
      await writeFile(join(folder, file), text, { mode: 0o600 });
  });
  after(() => rm(folder, { recursive: true }));

  test('holds nothing until its record is written', async () => {
    await writeFile(join(state, CHECKPOINT_FILES.memory), 'memory');
    await assert.rejects(readCheckpoint(state), damaged);
    await finishCheckpoint(folder, state, { fingerprint: FINGERPRINT, hostKey: 'ssh-ed25519 AAAA' });
    const { fingerprint, hostKey } = await readCheckpoint(state);
    assert.deepEqual(fingerprint, FINGERPRINT);
    assert.equal(hostKey, 'ssh-ed25519 AAAA');
    for (const file of ['seed.iso', 'ssh_key', CHECKPOINT_FILES.record]) {
      assert.equal((await stat(join(state, file))).mode & 0o077, 0, file);
    }
  });

  test('is damaged when its memory has another length, its record is none, or a file is gone', async () => {
    await writeFile(join(state, CHECKPOINT_FILES.memory), 'mem');
    await assert.rejects(readCheckpoint(state), /its memory has 3 bytes of 6/);
    const record = join(state, CHECKPOINT_FILES.record);
    for (const text of ['', 'null', '{"version":1}', '[]']) {
      await writeFile(record, text);
      await assert.rejects(readCheckpoint(state), (error) => error instanceof CheckpointUnusable, text);
    }
    await rm(join(state, 'ssh_key'));
    const target = join(folder, 'instance');
    await mkdir(target);
    await assert.rejects(restoreFiles(state, target), damaged);
  });
});
