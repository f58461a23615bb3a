import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Executor } from '../../build-host/build-host.ts';
import { parseWorkflow } from '../../documents/parse-workflow.ts';
import { type BuildGround, buildGround, type GroundPlan, launchedTypesOf } from './build-ground.ts';
import { bootKey, type ComponentContent, componentKeys, imageKey } from './build-keys.ts';
import { EMPTY_DOCUMENT } from './empty-document.fixture.ts';

const component = (varying?: string): ComponentContent => ({
  document: { id: 'x', document: EMPTY_DOCUMENT, parameters: {} },
  ...{ name: 'x', hint: undefined, inputs: { values: {}, varying, fetches: undefined, usesApt: false, downloads: [] } },
});
const ground: BuildGround = {
  ...{ parentDigest: 'p', executor: 'auto', hostCpu: 'c', machine: 'm', platform: 'Linux', userData: undefined },
  ...{ rootVolumeSizeGiB: undefined, extraVolumes: [], instanceType: undefined, workingDirectory: '/tmp' },
  ...{ accountId: '1', region: 'r' },
};

/** A build workflow whose instance is launched so. */
function workflow(inputs: Readonly<Record<string, unknown>>) {
  const text = JSON.stringify({
    name: 'w',
    schemaVersion: '1.0',
    parameters: [{ name: 'types', type: 'stringList', default: ['t3.nano'] }],
    steps: [
      { name: 'Launch', action: 'LaunchInstance', onFailure: 'Abort', inputs: { waitFor: 'ssmAgent', ...inputs } },
    ],
  });
  return {
    ...{ arn: 'arn', parallelGroup: undefined, onFailure: 'ABORT' as const },
    document: parseWorkflow({ file: 'w', text, type: 'BUILD' }),
    parameters: { types: ['t3.small'] },
  };
}

test('after a component that varies nothing has a key', () => {
  const keys = componentKeys(ground, [component(), component('it uses a uuid'), component()], ['build']);
  assert.deepEqual(
    keys.map(({ key }) => key !== undefined),
    [true, false, false],
  );
});

describe('what a build starts from', () => {
  async function keysOf(from: BuildGround) {
    const components = componentKeys(from, [component()], ['build']);
    const [{ key, machineKey } = { key: undefined, machineKey: undefined }] = components;
    return { key, machineKey, bootKey: bootKey(from), imageKey: await imageKey(from, components, workflow({})) };
  }
  type Keys = Awaited<ReturnType<typeof keysOf>>;
  /** The keys that are others than those of the ground. */
  async function changed(over: Partial<BuildGround>, executor: Executor): Promise<readonly string[]> {
    const [before, after] = [await keysOf({ ...ground, executor }), await keysOf({ ...ground, executor, ...over })];
    return Object.keys(before).filter((name) => before[name as keyof Keys] !== after[name as keyof Keys]);
  }
  const OTHER: Readonly<Partial<BuildGround>> = {
    parentDigest: 'q',
    platform: 'Windows',
    userData: 'dQ==',
    rootVolumeSizeGiB: 9,
    extraVolumes: [{ deviceName: '/dev/sdb', sizeGiB: 1 }],
    instanceType: 't3.small',
    workingDirectory: '/',
    accountId: '2',
    region: 's',
  };
  /** Of a machine that has booted and nothing more: it is the same for all recipes. */
  const AT_BOOT = ['parentDigest', 'userData', 'rootVolumeSizeGiB', 'extraVolumes'];

  for (const [name, value] of Object.entries(OTHER)) {
    test(`is known by its ${name}`, async () => {
      const all = ['key', 'machineKey', ...(AT_BOOT.includes(name) ? ['bootKey'] : []), 'imageKey'];
      for (const executor of ['auto', 'vm'] as const) assert.deepEqual(await changed({ [name]: value }, executor), all);
      // No machine: its keys are of no use.
      assert.ok((await changed({ [name]: value }, 'direct')).includes('imageKey'));
    });
  }

  test('is known by its executor, and by the processors and the machine that components run on', async () => {
    assert.deepEqual(await changed({ executor: 'direct' }, 'auto'), ['key', 'machineKey', 'imageKey']);
    assert.deepEqual(await changed({ hostCpu: 'd' }, 'direct'), ['key', 'imageKey']);
    assert.deepEqual(await changed({ hostCpu: 'd' }, 'auto'), ['key', 'machineKey', 'imageKey']);
    assert.deepEqual(await changed({ hostCpu: 'd' }, 'vm'), []);
    assert.deepEqual(await changed({ machine: 'n' }, 'direct'), ['bootKey']);
    assert.deepEqual(await changed({ machine: 'n' }, 'auto'), ['machineKey', 'bootKey', 'imageKey']);
    assert.deepEqual(await changed({ machine: 'n' }, 'vm'), ['key', 'machineKey', 'bootKey', 'imageKey']);
  });
});

describe('the machine of a build', () => {
  const known: Readonly<Record<string, string>> = { 't3.small': '2 GiB', 'm5.large': '8 GiB' };
  const machineFacts = {
    hostCpu: 'c',
    machineFor: (types: readonly string[]) => known[types.find((type) => type in known) ?? ''] ?? 'none',
  };
  const place = { parentDigest: 'p', userData: undefined, accountId: '1', region: 'r', machineFacts };
  const plan = (instanceTypes: readonly string[]): GroundPlan => ({
    ...{ executor: 'vm', platform: 'Linux', rootVolumeSizeGiB: undefined, extraVolumes: [], instanceTypes },
    workingDirectory: '/tmp',
  });

  test('is what the host makes of the types, and not what the first is called', () => {
    const [small, large] = [buildGround(plan(['x', 't3.small']), place), buildGround(plan(['x', 'm5.large']), place)];
    assert.deepEqual([small.machine, large.machine], ['2 GiB', '8 GiB']);
    assert.deepEqual([small.instanceType, large.instanceType], [undefined, undefined]);
    // One alone is what the metadata say.
    assert.equal(buildGround(plan(['t3.small']), place).instanceType, 't3.small');
  });

  test('is that of the workflow where that names types', () => {
    assert.equal(launchedTypesOf(workflow({})), undefined);
    assert.deepEqual(launchedTypesOf(workflow({ instanceTypesOverride: ['m5.large'] })), ['m5.large']);
    assert.deepEqual(launchedTypesOf(workflow({ 'instanceTypesOverride.$': '$.parameters.types' })), ['t3.small']);
    const { machine, instanceType } = buildGround(plan(['t3.small']), { ...place, launchedTypes: ['m5.large'] });
    assert.deepEqual([machine, instanceType], ['8 GiB', 't3.small']);
  });
});
