import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseComponent } from '../../documents/parse-component.ts';
import type { Checkpoint } from '../../image-store/checkpoint-store.ts';
import type { MachineImage } from '../../image-store/image-store.ts';
import { configuredWorkflow } from '../configured-workflow.ts';
import { managedWorkflow } from '../managed-workflows.ts';
import { simulatedCheckpoints } from '../simulated/simulated-checkpoints.ts';
import type { KeyedComponent } from './build-keys.ts';
import {
  BOOT_DURATION,
  chosenDuration,
  componentDuration,
  durationsIn,
  GOING_ON_DURATION,
  stepDuration,
} from './durations.ts';
import { EMPTY_DOCUMENT } from './empty-document.fixture.ts';
import { type ForecastRequest, forecast } from './forecast.ts';

const now = new Date('2026-03-09T12:00:00Z');
const inputs = { values: {}, varying: undefined, fetches: 'it runs programs', usesApt: true, downloads: ['packages'] };
const component = (name: string, over = {}): KeyedComponent => ({
  ...{
    name,
    key: name.repeat(64),
    machineKey: undefined,
    hint: undefined,
    inputs,
    document: { id: `${name} 1.0.0`, document: EMPTY_DOCUMENT, parameters: {} },
  },
  ...over,
});
const record = (name: string, ranAt = '2026-03-09T11:00:00Z') => ({
  ...{ component: name, name, executor: 'direct', seconds: 1, image: 'arn:image/x/1.0.0/1', ranAt },
});
const parent = { amiId: 'ami-00000000000000001' } as MachineImage;
const durations = Object.fromEntries(
  ['LaunchInstance', 'CollectImageMetadata', 'SanitizeInstance', 'CreateImage', 'TerminateInstance']
    .map((action): [string, number] => [stepDuration(action, 'auto'), 1])
    .concat([[componentDuration('b', 'direct'), 7]]),
);

const { arn, document: buildImage } = await managedWorkflow('build-image', 'us-east-1');
const workflows = [configuredWorkflow({ arn, document: buildImage }, {})] as const;

function ask(
  over: Partial<ForecastRequest>,
  checkpoints: readonly Checkpoint[] = [],
  images: readonly MachineImage[] = [],
) {
  const store = simulatedCheckpoints('/nowhere');
  for (const checkpoint of checkpoints) store.checkpoints.set(checkpoint.key, checkpoint);
  return forecast({
    contents: {
      components: [component('a'), component('b')],
      tests: [],
      bootKey: 'boot',
      hasUserData: false,
      imageKey: 'image',
      testKey: undefined,
    },
    ...{
      executor: 'auto',
      ofBuild: undefined,
      parent,
      checkpoints: store,
      durations,
      isMachine: false,
      workflows,
      now,
    },
    imageStore: { list: async () => images },
    states: { web: async () => undefined, objects: async () => undefined, index: async () => undefined },
    signal: new AbortController().signal,
    ...over,
  });
}

describe('what a build would do', () => {
  const checkpoint: Checkpoint = {
    ...{ key: 'a'.repeat(64), parentAmiId: parent.amiId, createdAt: '', facts: { components: [record('a')] } },
    layers: [{ name: 'layer', digest: '' }],
  };

  test('what is there is reused, and the rest takes as long as it took', async () => {
    const { components, seconds, sameImage } = await ask({}, [checkpoint]);
    assert.deepEqual(
      components.map(({ name, reused, seconds: took }) => [name, reused?.image, took]),
      [
        ['a', 'arn:image/x/1.0.0/1', 0],
        ['b', undefined, 7],
      ],
    );
    assert.equal(seconds, 5 + 7);
    assert.equal(sameImage, undefined);
  });

  test('what never ran is named; a machine is not taken for a disk', async () => {
    const { components, seconds, unknown } = await ask({}, [{ ...checkpoint, hasMachine: true }]);
    assert.deepEqual([seconds, unknown], [undefined, ['a']]);
    assert.ok(components.every(({ reused }) => reused === undefined));
  });

  test('what is stale runs, and says why', async () => {
    const old = { ...checkpoint, facts: { components: [record('a', '2026-03-07T11:00:00Z')] } };
    assert.match((await ask({}, [old])).components[0]?.why ?? '', /is 2 d old|is 49 h old/);
    assert.equal((await ask({ ofBuild: { kind: 'never' } }, [checkpoint])).components[0]?.reused, undefined);
  });

  test('an image of the same things is taken whole', async () => {
    const made = { key: 'image', facts: { components: [record('a'), record('b')] } };
    const image = {
      ...parent,
      amiId: 'ami-2',
      parentAmiId: parent.amiId,
      source: 'arn:image/x/1.0.0/2',
      made,
    } as MachineImage;
    const { sameImage, seconds } = await ask({}, [], [image]);
    assert.deepEqual([sameImage, seconds], ['arn:image/x/1.0.0/2', 0]);
  });

  describe('where a disk is booted on the way', () => {
    const needs = component('a', {
      document: {
        ...{ id: 'a 1.0.0', parameters: {} },
        document: parseComponent(
          JSON.stringify({
            schemaVersion: '1.0',
            phases: [{ name: 'build', steps: [{ name: 'S', action: 'Reboot', inputs: {} }] }],
          }),
          'a',
        ),
      },
    });
    const contents = (components: readonly KeyedComponent[]) => ({
      ...{ components, tests: [], bootKey: 'boot', hasUserData: false, imageKey: 'image', testKey: undefined },
    });
    const known = {
      ...durations,
      ...{ [BOOT_DURATION]: 40, [componentDuration('a', 'vm')]: 11, [componentDuration('b', 'vm')]: 13 },
    };
    const booted: Checkpoint = {
      ...{ key: 'boot', parentAmiId: parent.amiId, createdAt: '', facts: { components: [] }, hasMachine: true },
      layers: [{ name: 'layer', digest: '' }],
    };

    test('the boot counts, and what runs after it runs on a machine', async () => {
      const ofBoth = contents([needs, component('b')]);
      assert.equal((await ask({ contents: ofBoth, durations: known })).seconds, 5 + 40 + 11 + 13);
      assert.deepEqual((await ask({ contents: ofBoth, durations })).unknown, ['a boot', 'a', 'b']);
      // What comes before it does not.
      const reversed = contents([component('b'), needs]);
      assert.equal((await ask({ contents: reversed, durations: known })).seconds, 5 + 7 + 40 + 11);
    });

    test('it is expected of a component that made the last build boot, though it does not say so', async () => {
      const before = { ...known, [chosenDuration('b', 'direct')]: 7, [componentDuration('a', 'direct')]: 1 };
      assert.equal((await ask({ durations: before })).seconds, 5 + 1 + 7);
      const now = { ...before, [chosenDuration('b', 'vm')]: 13 };
      assert.equal((await ask({ durations: now })).seconds, 5 + 1 + 40 + 13);
      // Only auto boots so.
      const direct = Object.fromEntries(Object.keys(durations).map((name) => [name.replace('auto', 'direct'), 1]));
      assert.equal((await ask({ durations: { ...now, ...direct }, executor: 'direct' })).seconds, 5 + 1 + 1);
    });

    test('a machine of an earlier build goes on in its place', async () => {
      const ofNeed = contents([needs]);
      // While it is not known how long that takes it is no longer than a launch.
      assert.equal((await ask({ contents: ofNeed, durations: known }, [booted])).seconds, 5 + 11);
      const resumed = { ...known, [GOING_ON_DURATION]: 0.5 };
      assert.equal((await ask({ contents: ofNeed, durations: resumed }, [booted])).seconds, 4 + 0.5 + 11);
      const late = { ...resumed, [chosenDuration('b', 'vm')]: 13 };
      const ofLate = contents([component('b')]);
      assert.equal((await ask({ contents: ofLate, durations: late }, [booted])).seconds, 5 + 0.5 + 13);
    });

    test('an instance that is a machine from the start has no disk to mount', async () => {
      const { components, seconds } = await ask({ isMachine: true, durations: known }, [checkpoint]);
      assert.equal(components[0]?.reused, undefined);
      assert.equal(seconds, 5 + 11 + 13);
    });
  });

  test('nothing is reused where the build workflow is of another form', async () => {
    const [usual] = workflows;
    const [launch] = usual.document.steps;
    const steps = usual.document.steps.toSpliced(2, 0, ...(launch === undefined ? [] : [launch]));
    const other = [{ ...usual, document: { ...usual.document, steps } }];
    const made = { key: 'image', facts: { components: [record('a'), record('b')] } };
    const image = { ...parent, amiId: 'ami-2', parentAmiId: parent.amiId, source: 'arn', made } as MachineImage;
    const { sameImage, components } = await ask({ workflows: other }, [checkpoint], [image]);
    assert.equal(sameImage, undefined);
    assert.deepEqual(
      components.map(({ reused, why }) => [reused, why]),
      Array.from({ length: 2 }, () => [undefined, 'nothing is reused: the build workflow is not of the usual form']),
    );
  });

  test('steps are those of the workflows, and tests of nothing are skipped', async () => {
    const express = await managedWorkflow('express-build-image', 'us-east-1');
    const tests = await managedWorkflow('test-image', 'us-east-1');
    const chosen = [express, tests].map((workflow) => configuredWorkflow(workflow, {}));
    const { unknown } = await ask({ workflows: chosen, durations: {} });
    assert.deepEqual(unknown, [
      ...['LaunchInstance', 'SanitizeInstance', 'CreateImage', 'TerminateInstance'].map((step) => `step ${step} auto`),
      ...['a', 'b', 'step LaunchInstance test', 'step TerminateInstance test'],
    ]);
  });

  test('durations are remembered, the newest counting most; a broken file is an empty one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kiln-durations-'));
    try {
      const file = join(folder, 'deep', 'durations.json');
      const kept = durationsIn(file);
      assert.deepEqual(await kept.all(), {});
      await kept.add(new Map([['x', 10]]));
      await kept.add(new Map([['x', 20]]));
      assert.deepEqual(await durationsIn(file).all(), { x: 15 });
      await writeFile(file, (await readFile(file, 'utf8')).slice(0, 4));
      assert.deepEqual(await kept.all(), {});
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
