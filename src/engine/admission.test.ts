import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admit, type BuildDemand, type QueuedImage } from './admission.ts';

const CAPACITY = { builds: 3, vcpus: 8, memoryMiB: 16_384, diskMiB: 100_000 };

function image(arn: string): QueuedImage {
  return { arn, infrastructure_configuration: {}, image_recipe: {} };
}

function demand(vcpus: number, memoryMiB = 1024, diskMiB = 1000): BuildDemand {
  return { vcpus, memoryMiB, diskMiB };
}

function admitted(waiting: Readonly<Record<string, BuildDemand>>, running: readonly BuildDemand[] = []) {
  const demandOf = ({ arn }: QueuedImage): BuildDemand => waiting[arn] ?? demand(1);
  return admit(Object.keys(waiting).map(image), running, CAPACITY, demandOf).map((entry) => entry.image.arn);
}

test('builds are begun in their order, up to the number that the worker takes', () => {
  assert.deepEqual(admitted({ a: demand(1), b: demand(1), c: demand(1), d: demand(1) }), ['a', 'b', 'c']);
  assert.deepEqual(admitted({ a: demand(1), b: demand(1) }, [demand(1), demand(1)]), ['a']);
});

test('vCPUs, memory and disk each set a limit', () => {
  assert.deepEqual(admitted({ a: demand(6), b: demand(3) }), ['a']);
  assert.deepEqual(admitted({ a: demand(1, 12_000), b: demand(1, 8_000) }), ['a']);
  assert.deepEqual(admitted({ a: demand(1, 1, 60_000), b: demand(1, 1, 60_000) }), ['a']);
});

test('a large build is not overtaken by small ones behind it', () => {
  assert.deepEqual(admitted({ large: demand(8), small: demand(1) }, [demand(2)]), []);
});

test('a build that this worker can never take does not hold up the others', () => {
  assert.deepEqual(admitted({ huge: demand(96), small: demand(1) }), ['small']);
});
