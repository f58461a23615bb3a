import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Checkpoint } from '../../image-store/checkpoint-store.ts';
import type { MachineImage } from '../../image-store/image-store.ts';
import { simulatedCheckpoints } from '../simulated/simulated-checkpoints.ts';
import type { KeyedComponent } from './build-keys.ts';
import { componentDuration, durationsIn, stepDuration } from './durations.ts';
import { type ForecastRequest, forecast } from './forecast.ts';

const now = new Date('2026-03-09T12:00:00Z');
const inputs = { values: {}, varying: undefined, fetches: 'it runs programs', usesApt: true };
const document = {
  schemaVersion: '1.0',
  name: '',
  description: '',
  parameters: [],
  constants: [],
  phases: [],
} as const;
const component = (name: string, over = {}): KeyedComponent => ({
  ...{
    name,
    key: name.repeat(64),
    machineKey: undefined,
    hint: undefined,
    inputs,
    document: { id: `${name} 1.0.0`, document, parameters: {} },
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
    ...{ executor: 'auto', ofBuild: undefined, parent, checkpoints: store, durations, isTested: false, now },
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
