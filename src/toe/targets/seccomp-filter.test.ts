import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { REFUSED_CALLS } from './refused-calls.ts';
import { seccompFilter } from './seccomp-filter.ts';

const X64 = 0xc000_003e;
const program = seccompFilter('x64')?.program ?? Buffer.alloc(0);

/** What the kernel does with a call, by running the program as the kernel would. */
function verdict(number: number, args: readonly number[] = [], machine = X64): string {
  const call = Buffer.alloc(64);
  call.writeUInt32LE(number, 0);
  call.writeUInt32LE(machine, 4);
  for (const [index, value] of args.entries()) call.writeUInt32LE(value >>> 0, 16 + 8 * index);
  let loaded = 0;
  for (let at = 0; at < program.length; at += 8) {
    const [yes, no, value] = [program.readUInt8(at + 2), program.readUInt8(at + 3), program.readUInt32LE(at + 4)];
    const jump = (holds: boolean): void => {
      at += 8 * (holds ? yes : no);
    };
    switch (program.readUInt16LE(at)) {
      case 0x20:
        loaded = call.readUInt32LE(value);
        break;
      case 0x15:
        jump(loaded === value);
        break;
      case 0x35:
        jump(loaded >= value);
        break;
      case 0x45:
        jump((loaded & value) !== 0);
        break;
      case 0x06:
        return { 2147418112: 'allow', 327681: 'EPERM', 327718: 'ENOSYS' }[value] ?? `?${value}`;
      default:
        assert.fail(`an instruction at ${at} that is not used`);
    }
  }
  assert.fail('the program has no end');
}

describe('the filter of system calls', () => {
  test('refuses what is in the table and nothing that programs live by', () => {
    for (const { name, x64, refusal = 'EPERM' } of REFUSED_CALLS) assert.equal(verdict(x64), refusal, name);
    // read, write, close, stat, mmap, ioctl of a terminal, fork, execve, chroot, chown, setxattr, seccomp, openat2
    for (const number of [0, 1, 3, 4, 9, 57, 59, 92, 161, 188, 317, 437]) assert.equal(verdict(number), 'allow');
  });

  test('looks at arguments: flags of clone, families of sockets, personalities, what is asked of a terminal', () => {
    assert.equal(verdict(56, [0x0120_0011]), 'allow');
    assert.equal(verdict(56, [0x1000_0011]), 'EPERM');
    assert.equal(verdict(56, [0x0002_0000]), 'EPERM');
    for (const family of [1, 2, 10, 16, 17]) assert.equal(verdict(41, [family]), 'allow');
    for (const family of [0, 38, 40, 0xffff]) assert.equal(verdict(41, [family]), 'EPERM');
    assert.equal(verdict(135, [0xffff_ffff]), 'allow');
    assert.equal(verdict(135, [0x0040_0000]), 'EPERM');
    assert.equal(verdict(16, [0, 0x5401]), 'allow');
    assert.equal(verdict(16, [0, 0x5412]), 'EPERM');
  });

  test('knows no calls of other machines, of 32 bits, or of later kernels', () => {
    assert.equal(verdict(0, [], 0x4000_0003), 'ENOSYS');
    assert.equal(verdict(0x4000_0000), 'ENOSYS');
    assert.equal(verdict(463), 'ENOSYS');
    assert.equal(seccompFilter('mips'), undefined);
    assert.ok(seccompFilter('arm64')?.program.length);
  });

  test('is within the size that the kernel takes, with no number twice', () => {
    assert.ok(program.length / 8 < 4096);
    assert.equal(new Set(REFUSED_CALLS.map(({ x64 }) => x64)).size, REFUSED_CALLS.length);
  });
});
