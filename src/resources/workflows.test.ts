import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openTestStore } from '../state/test-store.ts';
import { ARN_PREFIX, MANAGED_WORKFLOWS, testService, token } from './test-service.ts';

const DATA = MANAGED_WORKFLOWS[0]?.text ?? '';
const CHECK = { name: 'My Check', semanticVersion: '1.0.0', type: 'TEST' as const, data: DATA };
const ARN = `${ARN_PREFIX}workflow/test/my-check/1.0.0/1`;

describe('workflows', () => {
  it('are kept as builds of their version; ARNs with wildcards mean the highest version', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const created = await call.CreateWorkflow({ ...CHECK, ...token() });
    assert.equal(created.workflowBuildVersionArn, ARN);
    assert.equal(created.latestVersionReferences?.latestMajorVersionArn, `${ARN_PREFIX}workflow/test/my-check/1.x.x`);
    await assert.rejects(call.CreateWorkflow({ ...CHECK, ...token() }), {
      name: 'ResourceAlreadyExistsException',
      message: `The following resource 'Workflow' already exists: '${ARN}'.`,
    });
    for (const semanticVersion of ['1.2.0', '1.10.0', '2.0.0']) {
      await call.CreateWorkflow({ ...CHECK, semanticVersion, ...token() });
    }
    const resolved = async (version: string) =>
      (await call.GetWorkflow({ workflowBuildVersionArn: `${ARN_PREFIX}workflow/test/my-check/${version}` })).workflow
        ?.version;
    assert.equal(await resolved('1.x.x'), '1.10.0');
    assert.equal(await resolved('x.x.x'), '2.0.0');
    await assert.rejects(resolved('x.2.x'), { name: 'InvalidVersionNumberException' });
    const listed = await call.ListWorkflowBuildVersions({
      workflowVersionArn: `${ARN_PREFIX}workflow/test/my-check/1.x.x`,
    });
    assert.deepEqual(
      listed.workflowSummaryList?.map(({ version }) => version),
      ['1.0.0', '1.2.0', '1.10.0'],
    );
    assert.equal((await call.ListWorkflows({ byName: true })).workflowVersionList?.[0]?.version, '2.0.0');
  });

  it('of two types may have one name', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    await call.CreateWorkflow({ ...CHECK, ...token() });
    await call.CreateWorkflow({ ...CHECK, type: 'BUILD', ...token() });
    const builds = await call.ListWorkflows({ filters: [{ name: 'type', values: ['BUILD'] }] });
    assert.deepEqual(
      builds.workflowVersionList?.map(({ arn }) => arn),
      [`${ARN_PREFIX}workflow/build/my-check/1.0.0`],
    );
  });

  it('with a wrong document are refused with all its problems', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const data =
      'schemaVersion: 2.0\nsteps:\n  - name: Wait\n    action: CollectImageScanFindings\n  - name: Go\n    action: Fly\n';
    await assert.rejects(call.CreateWorkflow({ ...CHECK, data, ...token() }), (error: Error) => {
      assert.equal(error.name, 'InvalidParameterValueException');
      assert.match(error.message, /^The value supplied for parameter 'data' is not valid\. My Check:1:/);
      assert.match(error.message, /CollectImageScanFindings/);
      assert.match(error.message, /Fly/);
      return true;
    });
  });

  it('at a URI are refused when they have more than 64 KiB', async () => {
    await using store = await openTestStore();
    const uri = 's3://kiln-assets/long';
    const padded = (bytes: number): string => `${DATA}#`.padEnd(bytes, 'x');
    const limits = { [uri]: padded(64 * 1024) };
    await testService(store, limits).call.CreateWorkflow({ ...CHECK, data: undefined, uri, ...token() });
    const { call } = testService(store, { [uri]: padded(64 * 1024 + 1) });
    await assert.rejects(call.CreateWorkflow({ ...CHECK, data: undefined, uri, ...token() }), {
      name: 'InvalidParameterValueException',
      message: /'uri' is not valid.*has 65537 bytes; at most 65536/,
    });
    const { workflowVersionList = [] } = await call.ListWorkflows({ owner: 'Self' });
    assert.equal(workflowVersionList.length, 1);
  });

  it('of Amazon are listed and got, with the one reference that AWS gives', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const [managed] = MANAGED_WORKFLOWS;
    const version = managed?.arn.replace(/1\.0\.0\/1$/, 'x.x.x') ?? '';
    const got = await call.GetWorkflow({ workflowBuildVersionArn: version });
    assert.deepEqual([got.workflow?.arn, got.workflow?.data], [managed?.arn, DATA]);
    assert.deepEqual(got.latestVersionReferences, { latestVersionArn: version });
    await assert.rejects(call.ListWorkflows({ owner: 'Shared' }), { name: 'InvalidParameterValueException' });
    assert.deepEqual(await call.ListWorkflows({ owner: 'AWSMarketplace' }), { workflowVersionList: [] });
  });

  it('made at once under one version are as many different builds', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => call.CreateWorkflow({ ...CHECK, description: `${index}`, ...token() })),
    );
    const builds = answers.map(({ workflowBuildVersionArn = '' }) => Number(workflowBuildVersionArn.split('/').at(-1)));
    assert.deepEqual(
      builds.sort((a, b) => a - b),
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });
});
