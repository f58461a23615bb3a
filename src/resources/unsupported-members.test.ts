import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModel } from '../contract/model.ts';
import type { Shape } from '../contract/model.types.ts';
import type { OperationName } from '../contract/operations.ts';
import { minimal, minimalMembers } from '../contract/request-cases.fixture.ts';
import { openTestStore } from '../state/test-store.ts';
import { coveredBy, EFFECTIVE_MEMBERS, membersOf } from './effective-members.ts';
import { EFFECTIVE_MEMBERS_OF_OTHERS } from './effective-reads.ts';
import { REFUSED_OPERATIONS } from './refused-operations.ts';
import { testService } from './test-service.ts';
import { RECORDED_MEMBERS, refuseUnsupportedMembers, UNSUPPORTED_MEMBERS } from './unsupported-members.ts';

const DECIDED = { ...EFFECTIVE_MEMBERS, ...EFFECTIVE_MEMBERS_OF_OTHERS };
const inputs = new Map(readModel().map((operation) => [operation.name, operation.input]));

/** A valid value of a shape that has the member at a path, with a value that is not harmless. */
function requestWith(
  shape: Shape,
  [segment, ...rest]: readonly string[],
  harmless: (value: unknown) => boolean,
): unknown {
  if (segment === undefined) return valuesOf(shape).find((value) => !harmless(value));
  if (shape.kind !== 'structure') return assert.fail(`${segment} is in no structure`);
  const member = shape.members.get(segment.replace('[]', '')) ?? assert.fail(segment);
  const inner = member.shape.kind === 'list' && segment.endsWith('[]') ? member.shape.element : member.shape;
  const value = requestWith(inner, rest, harmless);
  return { ...minimalMembers(shape), [member.name]: segment.endsWith('[]') ? [value] : value };
}

/** Values that are not empty. */
function valuesOf(shape: Shape): unknown[] {
  if (shape.kind === 'boolean') return [true, false];
  if (shape.kind === 'string' && shape.enumeration !== undefined) return [...shape.enumeration];
  if (shape.kind === 'timestamp') return [new Date()];
  if (shape.kind === 'list') return [[minimal(shape.element)]];
  if (shape.kind === 'map') return [{ key: minimal(shape.value) }];
  if (shape.kind !== 'structure') return [minimal(shape)];
  const [first] = shape.members.values();
  return [{ ...(first === undefined ? {} : { [first.name]: valuesOf(first.shape)[0] }), ...minimalMembers(shape) }];
}

describe('members of requests', () => {
  for (const [name, effective] of Object.entries(DECIDED)) {
    const operation = name as OperationName;
    it(`of ${name} have each an effect, or are a record, or are refused`, () => {
      const input = inputs.get(operation);
      assert.ok(input);
      const refused = (UNSUPPORTED_MEMBERS[operation] ?? []).map(({ path }) => path);
      const recorded = (RECORDED_MEMBERS[operation] ?? []).map(({ path }) => path);
      const tables = [effective, refused, recorded];
      const all = membersOf(input);
      for (const leaf of all) {
        const count = tables.filter((table) => table.some((path) => coveredBy(path, leaf))).length;
        assert.equal(count, 1, `${leaf} is in ${count} of the tables`);
      }
      for (const path of tables.flat()) {
        assert.ok(
          all.some((leaf) => coveredBy(path, leaf)),
          `${path} is not a member of ${name}`,
        );
      }
    });
  }

  it('are decided for all 77 operations, of which each is in one table or refused as a whole', () => {
    const places = [EFFECTIVE_MEMBERS, EFFECTIVE_MEMBERS_OF_OTHERS, REFUSED_OPERATIONS];
    const counts = [...inputs.keys()].map((name) => [name, places.filter((place) => name in place).length]);
    assert.equal(counts.length, 77);
    assert.deepEqual(
      counts.filter(([, count]) => count !== 1),
      [],
    );
  });

  it('are refused by a handler that looks: each one in the table, alone in its request', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    for (const [name, members] of Object.entries(UNSUPPORTED_MEMBERS)) {
      const input = inputs.get(name as OperationName) ?? assert.fail(name);
      const send = call[name as keyof typeof call] as (request: unknown) => Promise<unknown>;
      for (const { path, what, harmless = () => false } of members) {
        await assert.rejects(send(requestWith(input, path.split('.'), harmless)), (error: Error) => {
          const told = `Kiln does not support '${path.replaceAll('[]', '[0]')}' (${what}) yet.`;
          assert.ok(error.message.split('\n').includes(told), `${name} ${path}: ${error.message}`);
          return true;
        });
      }
    }
  });

  it('are refused by their path, in lists with the index', () => {
    const input = {
      blockDeviceMappings: [
        { deviceName: 'a', ebs: {} },
        { deviceName: 'b', noDevice: '' },
      ],
    };
    assert.throws(() => refuseUnsupportedMembers('CreateImageRecipe', input), {
      name: 'InvalidRequestException',
      message: "Kiln does not support 'blockDeviceMappings[1].noDevice' (removing volumes of the parent image) yet.",
    });
  });

  it('are accepted where they ask for nothing', () => {
    refuseUnsupportedMembers('CreateInfrastructureConfiguration', {
      securityGroupIds: [],
      logging: {},
      placement: { tenancy: 'default' },
    });
    refuseUnsupportedMembers('CreateImageRecipe', {
      additionalInstanceConfiguration: { systemsManagerAgent: { uninstallAfterBuild: false } },
      blockDeviceMappings: [{ deviceName: 'a', ebs: { encrypted: false, deleteOnTermination: true } }],
    });
    refuseUnsupportedMembers('CreateImage', { imageScanningConfiguration: { imageScanningEnabled: false } });
  });
});
