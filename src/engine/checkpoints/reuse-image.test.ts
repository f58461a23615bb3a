import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { managedWorkflow } from '../managed-workflows.ts';
import { script } from '../simulated/build-bench.ts';
import { A, note, off, openReuse } from './reuse.fixture.ts';

const { bench, world, slowBoot, build, ran } = await openReuse();

for (const executor of ['direct', 'vm']) {
  test(`what a component takes in that changes while it is built is kept under no key (${executor})`, async () => {
    const takes = (name: string) => note(name, 'echo ran with {{ aws:ssm:/conf }}');
    world.stored['/conf'] = 'v1';
    bench.host.faults.launch = async () => {
      world.stored['/conf'] = 'v2';
      await slowBoot();
    };
    const first = await build({ components: [A, takes('b'), note('c')], row: off }, executor);
    assert.deepEqual(await ran(first), ['a', 'with v2', 'b', 'c']);
    assert.ok((await bench.log(first)).some((line) => /takes in has changed since the build began/.test(line)));
    delete bench.host.faults.launch;
    world.stored['/conf'] = 'v1';
    for (const last of ['c', 'd']) {
      const again = await build({ components: [A, takes('b'), note(last)], row: off }, executor);
      const expected = last === 'c' ? ['with v1', 'b', 'c'] : ['d'];
      assert.deepEqual((await ran(again)).slice(-expected.length), expected);
      assert.ok(!(await ran(again)).includes('with v2'));
    }
  });
}

test('a parameter that is gone when its component has ended costs the key, not the build', async () => {
  world.stored['/conf'] = 'v1';
  bench.host.faults.command = async (_, { stdin }) => {
    if (String(stdin).includes('ran with')) delete world.stored['/conf'];
  };
  const gone = await build({ components: [note('a', 'echo ran with {{ aws:ssm:/conf }}')], row: off });
  assert.ok((await bench.log(gone)).some((line) => /takes in has changed since the build began/.test(line)));
});

describe('an image of the same things', () => {
  test('is not built again: it gets the disk, the packages and the test results of the first', async () => {
    const components = [script({ build: 'echo built', test: 'echo tested' })];
    const first = await build({ components }, 'vm');
    const launches = bench.host.launches.length;
    const second = await build({ components }, 'vm');
    assert.equal(bench.host.launches.length, launches, 'nothing was launched');
    const [one, two] = [first, second].map((arn) =>
      [...bench.images.images.values()].find(({ source }) => source === arn),
    );
    assert.ok(one !== undefined && two !== undefined && one.amiId !== two.amiId);
    assert.equal(two.digest, one.digest);
    assert.deepEqual(await bench.workflows(second), ['build-image COMPLETED', 'test-image COMPLETED']);
    assert.ok((await bench.steps(second)).includes('CreateOutputAMI COMPLETED'));
    assert.ok((await bench.steps(second)).includes('ApplyTestComponents SKIPPED'));
    const row = await bench.row(second);
    assert.deepEqual((row.output_resources['amis'] as { image: string }[])[0]?.image, two.amiId);
    assert.equal(row.os_version, (await bench.row(first)).os_version);
    const count = async (arn: string) =>
      (await bench.store.db.selectFrom('image_packages').selectAll().where('image_arn', '=', arn).execute()).length;
    assert.equal(await count(second), await count(first));
    assert.match(String(row.tags['kiln:reused']), /1 of 1 components, from \d{4}-/);
    assert.ok((await bench.log(second)).some((line) => line.includes('passed the same tests with the same disk')));
  });

  test('is tested again when the tests of the first had failed, though that one was to go on', async () => {
    const [made, tested] = await Promise.all(
      (['build-image', 'test-image'] as const).map((name) => managedWorkflow(name, 'us-east-1')),
    );
    const on = (onFailure: string) => ({
      components: [script({ build: 'echo built', test: 'echo ran test; exit 7' })],
      row: { workflows: JSON.stringify([{ workflowArn: made?.arn }, { workflowArn: tested?.arn, onFailure }]) },
    });
    const first = await build(on('CONTINUE'), 'vm');
    assert.deepEqual(await bench.workflows(first), ['build-image COMPLETED', 'test-image ROLLBACK_COMPLETED']);
    const second = await build(on('CONTINUE'), 'vm');
    assert.deepEqual(await ran(second), ['test']);
    await assert.rejects(build(on('ABORT'), 'vm'), /exit status 7/);
  });

  test('is tested again when its tests are too old, however often they were taken over', async () => {
    // What runs no program counts for ever, and the test runs one.
    const written = `  - name: build
    steps:
      - name: Write
        action: CreateFile
        inputs: [{ path: '${join(bench.folder, 'written')}', content: x, overwrite: true }]
`;
    const components = [written, script({ test: 'echo ran test' })];
    const ages: [number, readonly string[]][] = [];
    for (const hours of [0, 10, 20, 30, 40]) {
      world.hoursAhead = hours;
      ages.push([hours, await ran(await build({ components }, 'vm'))]);
    }
    assert.deepEqual(
      ages.filter(([, tests]) => tests.length > 0).map(([hours]) => hours),
      [0, 30],
    );
  });

  test('is built again when a component, a parameter or what it is made from is another', async () => {
    const components = [script({ build: 'echo changed' })];
    await build({ components, row: off }, 'vm');
    const launches = (): number => bench.host.launches.length;
    const before = launches();
    await build({ components: [script({ build: 'echo changed too' })], row: off }, 'vm');
    await build({ components, row: off, recipe: { workingDirectory: '/var/tmp' } }, 'vm');
    await build({ components, row: off, infrastructure: { instanceTypes: ['m5.xlarge'] } }, 'vm');
    const user = { userDataOverride: Buffer.from('#!/bin/sh\n').toString('base64') };
    await build({ components, row: off, recipe: { additionalInstanceConfiguration: user } }, 'vm');
    assert.equal(launches(), before + 4);
  });

  test('is built again for another machine, or on another processor where that shows', async () => {
    const of = (...instanceTypes: string[]) => ({
      ...{ components: [script({ build: 'echo of a machine' })], row: off, infrastructure: { instanceTypes } },
    });
    const launches = (): number => bench.host.launches.length;
    for (const executor of ['vm', 'auto']) await build(of('unknown', 't3.small'), executor);
    await build(of('t3.small'), 'direct');
    let before = launches();
    for (const executor of ['vm', 'auto']) await build(of('unknown', 't3.small'), executor);
    assert.equal(launches(), before, 'the same');
    for (const executor of ['vm', 'auto']) await build(of('unknown', 'm5.large'), executor);
    assert.equal(launches(), before + 2);
    before = launches();
    world.hostCpu = 'two';
    try {
      await build(of('unknown', 't3.small'), 'vm');
      assert.equal(launches(), before, 'a machine has a processor of its own');
      await build(of('unknown', 't3.small'), 'auto');
      await build(of('t3.small'), 'direct');
      assert.equal(launches(), before + 2);
    } finally {
      world.hostCpu = 'one';
    }
  });

  test('is tested when it was not, or with other tests', async () => {
    const tested = (text: string) => [script({ build: 'echo same', test: `echo ${text}` })];
    await build({ components: tested('one'), row: off }, 'vm');
    const before = bench.host.launches.length;
    const second = await build({ components: tested('one') }, 'vm');
    assert.equal(bench.host.launches.length, before + 1, 'the test instance');
    assert.ok((await bench.log(second)).includes('one'));
    const third = await build({ components: tested('two') }, 'vm');
    assert.ok((await bench.log(third)).includes('two'));
    await build({ components: tested('two') }, 'vm');
    assert.equal(bench.host.launches.length, before + 2);
  });

  test('is built again after a day, at the word of the image, and by a schedule', async () => {
    const components = [script({ build: 'echo old' })];
    const launches = (): number => bench.host.launches.length;
    await build({ components, row: off }, 'vm');
    let before = launches();
    world.hoursAhead = 25;
    const late = await build({ components, row: off }, 'vm');
    assert.equal(launches(), ++before);
    assert.ok((await bench.log(late)).some((line) => /is 25 h old and counts for 1 d/.test(line)));
    await build({ components, row: { ...off, tags: { 'kiln:cache': 'never' } as never } }, 'vm');
    assert.equal(launches(), ++before);
    await build({ components, row: { ...off, build_type: 'SCHEDULED' } }, 'vm');
    assert.equal(launches(), ++before);
    await build({ components, row: { ...off, build_type: 'SCHEDULED', tags: { 'kiln:cache': '1h' } as never } }, 'vm');
    assert.equal(launches(), before, 'told otherwise');
  });

  test('without a disk that is whole is built', async () => {
    const components = [script({ build: 'echo lost' })];
    const first = await build({ components, row: off }, 'vm');
    const ami = [...bench.images.images.values()].find(({ source }) => source === first);
    bench.images.images.delete(ami?.amiId ?? '');
    const before = bench.host.launches.length;
    await build({ components, row: off }, 'vm');
    assert.equal(bench.host.launches.length, before + 1);
  });
});
