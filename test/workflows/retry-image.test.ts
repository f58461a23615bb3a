import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { script } from '../../src/engine/simulated/build-bench.ts';
import { managed, openWholeService, token, type WholeService } from './whole-service.ts';

let whole: WholeService;
let parameterStoreWorks = true;
let hold: ((signal: AbortSignal) => Promise<void>) | undefined;
before(async () => {
  const putParameter = async (_: unknown, signal: AbortSignal): Promise<void> => {
    await hold?.(signal);
    if (!parameterStoreWorks) throw new Error('not now');
  };
  whole = await openWholeService({ engine: { putParameter } });
});
after(async () => {
  await whole[Symbol.asyncDispose]();
});

const retry = (arn: string) => whole.call.RetryImage({ imageBuildVersionArn: arn, ...token() });
const launches = (arn: string) => whole.bench.host.launches.filter(({ owner }) => owner === arn).length;
const amis = (arn: string) => [...whole.bench.images.images.values()].filter(({ source }) => source === arn);

test('an image that failed its tests is tested again: same build version, same AMI, nothing built again', async () => {
  const switchFile = path.join(whole.bench.folder, 'tests-may-pass');
  const arn = await whole.image([], { components: [script({ build: 'true', test: `test -e ${switchFile}` })] });
  await whole.work(arn);
  const failed = await whole.bench.row(arn);
  assert.equal(failed.status, 'FAILED');
  const [ami] = amis(arn);
  assert.match(failed.reason ?? '', new RegExp(`${ami?.amiId} was kept for RetryImage`));
  writeFileSync(switchFile, '');
  const request = { imageBuildVersionArn: arn, ...token() };
  const answers = await Promise.all([1, 2, 3].map(() => whole.call.RetryImage(request)));
  for (const answer of answers) assert.deepEqual(answer, request);
  const { image: waiting } = await whole.call.GetImage({ imageBuildVersionArn: arn });
  assert.equal(waiting?.state?.status, 'TESTING');
  await assert.rejects(retry(arn), { name: 'InvalidRequestException', message: /is TESTING/ });
  await whole.workAnew(arn);
  const row = await whole.bench.row(arn);
  assert.equal(row.status, 'AVAILABLE', row.reason ?? '');
  assert.deepEqual(amis(arn), [ami]);
  // The second tests are another process's.
  assert.equal(launches(arn), 2, 'not built again');
  const { workflowExecutions = [] } = await whole.call.ListWorkflowExecutions({ imageBuildVersionArn: arn });
  assert.deepEqual(
    workflowExecutions.map(({ type, status, retried }) => [type, status, retried]),
    [
      ['BUILD', 'COMPLETED', undefined],
      ['TEST', 'ROLLBACK_COMPLETED', true],
      ['TEST', 'COMPLETED', undefined],
    ],
  );
  assert.deepEqual(
    (row.output_resources as { amis: { image: string }[] }).amis.map(({ image }) => image),
    [ami?.amiId],
  );
});

test('tests may fail again and be retried again', async () => {
  const switchFile = path.join(whole.bench.folder, 'tests-pass-at-last');
  const arn = await whole.image([], { components: [script({ build: 'true', test: `test -e ${switchFile}` })] });
  await whole.work(arn);
  for (let round = 0; round < 2; round++) {
    await retry(arn);
    await whole.workAnew(arn);
    assert.equal((await whole.bench.row(arn)).status, 'FAILED');
  }
  writeFileSync(switchFile, '');
  await retry(arn);
  await whole.workAnew(arn);
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE');
  rmSync(switchFile);
  assert.equal(existsSync(switchFile), false);
});

test('a distribution that failed is done again, and tests that passed are not', async () => {
  for (const workflows of [
    [],
    [
      { workflowArn: managed('build', 'build-image') },
      { workflowArn: managed('test', 'test-image') },
      { workflowArn: managed('distribution', 'distribute-image') },
    ],
  ]) {
    const distributions = [{ region: 'us-east-1', ssmParameterConfigurations: [{ parameterName: '/x' }] }];
    const arn = await whole.image(workflows, { distributions });
    parameterStoreWorks = false;
    await whole.work(arn);
    assert.equal((await whole.bench.row(arn)).failure_context?.['imageStatus'], 'INTEGRATING');
    parameterStoreWorks = true;
    await retry(arn);
    assert.equal((await whole.bench.row(arn)).status, 'DISTRIBUTING');
    await whole.workAnew(arn);
    assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE', (await whole.bench.row(arn)).reason ?? '');
    assert.equal(launches(arn), 2);
  }
});

test('an image that was cancelled in its tests is tested again', async () => {
  let cancelled = false;
  let arn = '';
  whole.bench.host.faults.launch = async ({ parentDisk }, { signal }) => {
    if (parentDisk.path.includes('ami-00000000000000001') || cancelled) return;
    cancelled = true;
    await whole.call.CancelImageCreation({ imageBuildVersionArn: arn, ...token() });
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  };
  arn = await whole.image([]);
  await whole.work(arn);
  assert.equal((await whole.bench.row(arn)).status, 'CANCELLED');
  await retry(arn);
  await whole.workAnew(arn);
  delete whole.bench.host.faults.launch;
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE', (await whole.bench.row(arn)).reason ?? '');
});

test('an image that was cancelled in its distribution keeps its AMI and is distributed again', async () => {
  const distributions = [{ region: 'us-east-1', ssmParameterConfigurations: [{ parameterName: '/x' }] }];
  const arn = await whole.image([], { distributions, imageTestsEnabled: false });
  hold = async (signal) => {
    await whole.call.CancelImageCreation({ imageBuildVersionArn: arn, ...token() });
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  };
  await whole.work(arn);
  hold = undefined;
  assert.equal((await whole.bench.row(arn)).status, 'CANCELLED');
  assert.equal(amis(arn).length, 1);
  assert.deepEqual((await whole.bench.stages(arn)).slice(-2), ['INTEGRATING', 'CANCELLED']);
  await retry(arn);
  await whole.workAnew(arn);
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE', (await whole.bench.row(arn)).reason ?? '');
});

test('an image that was cancelled while its AMI was shared is shared when it is tried again', async () => {
  const distributed = [managed('build', 'build-image'), managed('distribution', 'distribute-image')];
  const launchPermission = { userIds: ['111122223333'] };
  const distributions = [{ region: 'us-east-1', amiDistributionConfiguration: { launchPermission } }];
  for (const workflows of [[], distributed]) {
    const chosen = workflows.map((workflowArn) => ({ workflowArn }));
    const arn = await whole.image(chosen, { distributions, imageTestsEnabled: false });
    whole.bench.images.faults.describe = async (description, { signal }) => {
      if (description.launchPermission === undefined) return;
      await whole.call.CancelImageCreation({ imageBuildVersionArn: arn, ...token() });
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    };
    await whole.work(arn);
    delete whole.bench.images.faults.describe;
    const cancelled = await whole.bench.row(arn);
    assert.equal(cancelled.status, 'CANCELLED');
    assert.deepEqual((await whole.bench.stages(arn)).slice(-2), ['DISTRIBUTING', 'CANCELLED']);
    const [ami] = amis(arn);
    assert.deepEqual(
      (cancelled.output_resources as { amis: { image: string }[] }).amis.map(({ image }) => image),
      [ami?.amiId],
    );
    assert.equal(ami?.launchPermission, undefined);
    await retry(arn);
    await whole.workAnew(arn);
    const row = await whole.bench.row(arn);
    assert.equal(row.status, 'AVAILABLE', row.reason ?? '');
    assert.deepEqual(
      amis(arn).map(({ amiId, launchPermission: permission }) => [amiId, permission]),
      [[ami?.amiId, launchPermission]],
    );
    assert.deepEqual(
      (await whole.bench.workflows(arn)).slice(1),
      workflows.length === 0 ? [] : ['distribute-image CANCELLED', 'distribute-image COMPLETED'],
    );
    assert.equal(launches(arn), 1, 'not built again');
  }
});

test('an image that is only distributed has one AMI on record, however often that fails', async () => {
  const workflowArn = await whole.workflow(
    'only-published',
    'DISTRIBUTION',
    `steps:
  - { name: Copy, action: DistributeImage }
  - name: Publish
    action: ApplyImageConfigurations
    inputs:
      distributedImages.$: $.stepOutputs.Copy.distributedImages
      configurations: [{ region: us-east-1, ssmParameterConfigurations: [{ parameterName: /only }] }]
`,
  );
  const arn = await whole.image([{ workflowArn }]);
  parameterStoreWorks = false;
  await whole.work(arn);
  for (let round = 0; round < 2; round++) {
    const row = await whole.bench.row(arn);
    assert.equal(row.status, 'FAILED');
    assert.deepEqual(
      (row.output_resources as { amis: { image: string }[] }).amis.map(({ image }) => image),
      amis(arn).map(({ amiId }) => amiId),
    );
    assert.equal(amis(arn).length, 1);
    await retry(arn);
    parameterStoreWorks = round === 1;
    await whole.workAnew(arn);
  }
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE', (await whole.bench.row(arn)).reason ?? '');
});

test('a build whose instance was kept goes on with it at the step that failed', async () => {
  const switchFile = path.join(whole.bench.folder, 'build-may-pass');
  const infrastructure = { terminateInstanceOnFailure: false, tags: { 'kiln:executor': 'vm' } };
  const arn = await whole.image([], { components: [script({ build: `test -e ${switchFile}` })], infrastructure });
  await whole.work(arn);
  assert.match((await whole.bench.row(arn)).reason ?? '', /Instance i-\w+ was kept/);
  writeFileSync(switchFile, '');
  await retry(arn);
  const { image: waiting } = await whole.call.GetImage({ imageBuildVersionArn: arn });
  assert.equal(waiting?.state?.status, 'BUILDING');
  await whole.workAnew(arn);
  const row = await whole.bench.row(arn);
  assert.equal(row.status, 'AVAILABLE', row.reason ?? '');
  assert.deepEqual(await whole.bench.workflows(arn), ['build-image COMPLETED', 'test-image COMPLETED']);
  assert.deepEqual(
    (await whole.bench.host.list()).filter(({ owner }) => owner === arn),
    [],
    'it is not kept for ever',
  );
  rmSync(switchFile);
});

test('a build whose instance was kept and is gone since begins its workflow anew', async () => {
  const switchFile = path.join(whole.bench.folder, 'build-may-pass');
  const infrastructure = { terminateInstanceOnFailure: false, tags: { 'kiln:executor': 'vm' } };
  const arn = await whole.image([], { components: [script({ build: `test -e ${switchFile}` })], infrastructure });
  await whole.work(arn);
  for (const { instanceId, owner } of await whole.bench.host.list()) {
    if (owner === arn) await whole.bench.host.terminate(instanceId);
  }
  writeFileSync(switchFile, '');
  await retry(arn);
  await whole.workAnew(arn);
  const row = await whole.bench.row(arn);
  assert.equal(row.status, 'AVAILABLE', row.reason ?? '');
  const again = ['build-image CANCELLED', 'build-image COMPLETED', 'test-image COMPLETED'];
  assert.deepEqual(await whole.bench.workflows(arn), again);
  rmSync(switchFile);
});

test('what cannot be retried is refused with the reason', async () => {
  const early = await whole.image([], { components: [script({ build: 'exit 1' })] });
  await assert.rejects(retry(early), { name: 'InvalidRequestException', message: /is PENDING/ });
  await whole.work(early);
  await assert.rejects(retry(early), {
    name: 'InvalidRequestException',
    message: /ended in BUILDING.*build it anew/,
  });
  await assert.rejects(retry(early.replace(/1\/1$/, '1/99').replace('/1.0.0/1', '/1.0.0/99')), {
    name: 'ResourceNotFoundException',
  });
  const good = await whole.image([], { imageTestsEnabled: false });
  await whole.work(good);
  await assert.rejects(retry(good), { name: 'InvalidRequestException', message: /is AVAILABLE/ });
});
