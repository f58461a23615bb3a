import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModel } from '../contract/model.ts';
import type { OperationName } from '../contract/operations.ts';
import { coveredBy, EFFECTIVE_MEMBERS, membersOf } from './effective-members.ts';
import { REFUSED_OPERATIONS } from './refused-operations.ts';
import { RECORDED_MEMBERS, refuseUnsupportedMembers, UNSUPPORTED_MEMBERS } from './unsupported-members.ts';

const inputs = new Map(readModel().map((operation) => [operation.name, operation.input]));

describe('members of requests', () => {
  for (const [name, effective] of Object.entries(EFFECTIVE_MEMBERS)) {
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

  it('are decided for every operation that makes or changes something', () => {
    const makes = [...inputs.keys()].filter((name) => /^(?:Create|Update|Import|Start)/.test(name));
    const undecided = makes.filter((name) => EFFECTIVE_MEMBERS[name] === undefined && !(name in REFUSED_OPERATIONS));
    assert.deepEqual(undecided, []);
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
