import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_INSTANCE_TYPES, shapeFor } from './instance-types.ts';

const big = { cpus: 64, memoryMiB: 512 * 1024 };

test('the first candidate that the table knows decides', () => {
  assert.deepEqual(shapeFor(['z9.mega', 'c5.xlarge', 'm5.large'], DEFAULT_INSTANCE_TYPES, big), {
    vcpus: 4,
    memoryMiB: 8192,
  });
});

test('without candidates it is two vCPUs and two GiB', () => {
  assert.deepEqual(shapeFor([], DEFAULT_INSTANCE_TYPES, big), { vcpus: 2, memoryMiB: 2048 });
});

test('only unknown candidates give nothing, also when they are names that every object has', () => {
  assert.equal(shapeFor(['m6g.large', 'constructor'], DEFAULT_INSTANCE_TYPES, big), undefined);
});

test('no instance gets more vCPUs than the host has, nor more than half of its memory', () => {
  assert.deepEqual(shapeFor(['m5.24xlarge'], DEFAULT_INSTANCE_TYPES, { cpus: 2, memoryMiB: 4096 }), {
    vcpus: 2,
    memoryMiB: 2048,
  });
});
