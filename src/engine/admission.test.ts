import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admit, admitInSpiteOfDisk, type BuildDemand, type QueuedImage } from './admission.ts';

const CAPACITY = { builds: 3, vcpus: 8, memoryMiB: 16_384, diskMiB: 100_000 };

function image(arn: string): QueuedImage {
  return { arn, infrastructure_configuration: {}, image_recipe: {} };
}

function demand(vcpus: number, memoryMiB = 1024, diskMiB = 1000): BuildDemand {
  return { vcpus, memoryMiB, diskMiB };
}

function admitted(
  waiting: Readonly<Record<string, BuildDemand>>,
  running: readonly BuildDemand[] = [],
  held: Readonly<Record<string, number>> = {},
) {
  const demandOf = ({ arn }: QueuedImage): BuildDemand => waiting[arn] ?? demand(1);
  const occupied = { running, held: new Map(Object.entries(held)) };
  return admit(Object.keys(waiting).map(image), occupied, CAPACITY, demandOf).map((entry) => entry.image.arn);
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

test('memory that kept instances and those of parked builds hold is not given away', () => {
  assert.deepEqual(admitted({ a: demand(1, 8_000) }, [], { parked: 6_000, kept: 6_000 }), []);
  assert.deepEqual(admitted({ a: demand(1, 4_000), b: demand(1, 4_000) }, [], { parked: 6_000, kept: 6_000 }), ['a']);
});

test('a parked build goes on in the memory that its instance holds', () => {
  const held = { parked: 8_000, kept: 8_000 };
  assert.deepEqual(admitted({ parked: demand(1, 8_000), other: demand(1, 1_000) }, [], held), ['parked']);
});

test('a build that lacks nothing but room on the disk is found; not one that lacks more', () => {
  const find = (waiting: Readonly<Record<string, BuildDemand>>, held: Readonly<Record<string, number>> = {}) =>
    admitInSpiteOfDisk(
      Object.keys(waiting).map(image),
      { held: new Map(Object.entries(held)) },
      CAPACITY,
      ({ arn }) => waiting[arn] ?? demand(1),
    )?.image.arn;
  const much = 200_000;
  assert.equal(find({ huge: demand(96, 1, much), wide: demand(1, 1, much), second: demand(1, 1, much) }), 'wide');
  assert.equal(find({ fits: demand(1) }), undefined);
  assert.equal(find({ wide: demand(1, 8_000, much) }, { kept: 12_000 }), undefined);
});
