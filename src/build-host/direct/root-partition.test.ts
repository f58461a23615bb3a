import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findRootPartition, type ReadDisk } from './root-partition.ts';

const MIB = 1024 * 1024;
const LINUX = 'af3dc60f838472478e793d69d8477de4';
const EFI_SYSTEM = '28732ac11ff8d211ba4b00a0c93ec93b';

function disk(): { readonly bytes: Buffer; readonly read: ReadDisk } {
  const bytes = Buffer.alloc(8 * MIB);
  bytes.writeUInt16LE(0xaa55, 510);
  return { bytes, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

function addToRecord(bytes: Buffer, index: number, kind: number, offset: number, size: number): void {
  const at = 446 + index * 16;
  bytes[at + 4] = kind;
  bytes.writeUInt32LE(offset / 512, at + 8);
  bytes.writeUInt32LE(size / 512, at + 12);
}

function gpt(bytes: Buffer, partitions: readonly { kind: string; offset: number; size: number }[]): void {
  addToRecord(bytes, 0, 0xee, 512, 7 * MIB);
  bytes.write('EFI PART', 512, 'latin1');
  bytes.writeBigUInt64LE(2n, 512 + 72);
  bytes.writeUInt32LE(partitions.length, 512 + 80);
  bytes.writeUInt32LE(128, 512 + 84);
  for (const [index, { kind, offset, size }] of partitions.entries()) {
    const at = 1024 + index * 128;
    bytes.write(kind, at, 'hex');
    bytes.writeBigUInt64LE(BigInt(offset / 512), at + 32);
    bytes.writeBigUInt64LE(BigInt((offset + size) / 512 - 1), at + 40);
  }
}

const ext4 = (bytes: Buffer, offset: number): number => bytes.writeUInt16LE(0xef53, offset + 1024 + 56);

describe('the root partition', () => {
  test('is found in a master boot record, beside swap', async () => {
    const { bytes, read } = disk();
    addToRecord(bytes, 0, 0x82, MIB, MIB);
    addToRecord(bytes, 1, 0x83, 2 * MIB, 3 * MIB);
    ext4(bytes, 2 * MIB);
    assert.deepEqual(await findRootPartition(read), { offset: 2 * MIB, size: 3 * MIB });
  });

  test('is found in a GPT, beside the one that the firmware boots from', async () => {
    const { bytes, read } = disk();
    gpt(bytes, [
      { kind: EFI_SYSTEM, offset: MIB, size: MIB },
      { kind: LINUX, offset: 2 * MIB, size: 4 * MIB },
    ]);
    ext4(bytes, 2 * MIB);
    assert.deepEqual(await findRootPartition(read), { offset: 2 * MIB, size: 4 * MIB });
  });

  test('is not guessed: two file systems, another kind, none at all', async () => {
    const two = disk();
    addToRecord(two.bytes, 0, 0x83, MIB, MIB);
    addToRecord(two.bytes, 1, 0x83, 2 * MIB, MIB);
    ext4(two.bytes, MIB);
    ext4(two.bytes, 2 * MIB);
    assert.match(String(await findRootPartition(two.read)), /more than one/);

    const xfs = disk();
    addToRecord(xfs.bytes, 0, 0x83, MIB, MIB);
    xfs.bytes.write('XFSB', MIB, 'latin1');
    assert.match(String(await findRootPartition(xfs.read)), /not ext4/);

    assert.match(String(await findRootPartition(disk().read)), /no ext4/);
    assert.match(String(await findRootPartition(async () => Buffer.alloc(512))), /no partition table/);
    assert.match(String(await findRootPartition(async () => Buffer.alloc(0))), /no partition table/);
  });

  test('is not looked for where a broken table points', async () => {
    const { bytes, read } = disk();
    gpt(bytes, [{ kind: LINUX, offset: 512, size: 512 }]);
    bytes.writeBigUInt64LE(2n ** 63n, 1024 + 40);
    assert.match(String(await findRootPartition(read)), /broken/);
    bytes.writeUInt32LE(2 ** 31, 512 + 80);
    assert.match(String(await findRootPartition(read)), /broken/);
  });
});
