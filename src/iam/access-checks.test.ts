import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModel } from '../contract/model.ts';
import type { Shape, StructureShape } from '../contract/model.types.ts';
import type { OperationName } from '../contract/operations.ts';
import { accessChecks } from './access-checks.ts';
import { OPERATION_ACCESS } from './operation-access.ts';

const place = { accountId: '123456789012', region: 'us-east-1' };
const PREFIX = 'arn:aws:imagebuilder:us-east-1:123456789012:';
const checked = (operation: OperationName, input: Record<string, unknown>) =>
  accessChecks(operation, input, place).map(({ action, resource }) => `${action} ${resource}`);

/** Whether a path of the table leads to a string. */
function leadsToText(shape: StructureShape, path: string): boolean {
  let at: Shape | undefined = shape;
  for (const part of path.split('.')) {
    if (at?.kind !== 'structure') return false;
    at = at.members.get(part.replace('[]', ''))?.shape;
    if (part.endsWith('[]')) at = at?.kind === 'list' ? at.element : undefined;
  }
  return at?.kind === 'string';
}

describe('the table of what operations need', () => {
  const model = readModel();

  it('covers all operations, and no others', () => {
    assert.deepEqual(Object.keys(OPERATION_ACCESS).sort(), model.map(({ name }) => name).sort());
  });

  it('names members that the requests have', () => {
    for (const { name, input } of model) {
      const { on, also, tags } = OPERATION_ACCESS[name];
      for (const source of on) {
        if ('path' in source) assert.ok(leadsToText(input, source.path), `${name} ${source.path}`);
        if (source.from === 'name') {
          assert.ok(input.members.has('name'), name);
          assert.equal(input.members.has('semanticVersion'), source.versioned, name);
        }
        if (source.from === 'filter') assert.ok(input.members.has('filters') || input.members.has('filter'), name);
      }
      for (const { path } of also) assert.ok(leadsToText(input, path), `${name} ${path}`);
      if (tags !== undefined) assert.equal(input.members.get(tags)?.shape.kind, 'map', name);
      else assert.ok(!input.members.has('tags'), `${name} has tags that the table forgets`);
    }
  });

  it('checks PassRole wherever a request has a role', () => {
    for (const { name, input } of model) {
      if (!input.members.has('executionRole')) continue;
      assert.ok(
        OPERATION_ACCESS[name].also.some(({ action }) => action === 'iam:PassRole'),
        name,
      );
    }
  });

  it('calls reading what only reads', () => {
    for (const { name, method } of model) {
      const { level } = OPERATION_ACCESS[name];
      const reads = /^(?:Get|List)/.test(name);
      assert.equal(level === 'Read' || level === 'List', reads, name);
      if (!reads) assert.notEqual(method, 'GET', name);
    }
  });
});

describe('the checks of a request', () => {
  it('are on the resource that it names', () => {
    const arn = `${PREFIX}image/web/1.0.0/1`;
    assert.deepEqual(checked('GetImage', { imageBuildVersionArn: arn }), [`imagebuilder:GetImage ${arn}`]);
    assert.deepEqual(checked('ListImages', {}), ['imagebuilder:ListImages *']);
    assert.deepEqual(checked('GetWorkflowExecution', { workflowExecutionId: 'wf-1' }), [
      `imagebuilder:GetWorkflowExecution ${PREFIX}workflow-execution/wf-1`,
    ]);
    assert.deepEqual(checked('ListImageBuildVersions', { imageVersionArn: `${PREFIX}image/web/1.0.0` }), [
      `imagebuilder:ListImageBuildVersions ${PREFIX}image/web/1.0.0/*`,
    ]);
    assert.deepEqual(checked('ListImageBuildVersions', {}), [`imagebuilder:ListImageBuildVersions ${PREFIX}image/*`]);
    const step = { imageBuildVersionArn: arn, stepExecutionId: 'step-1' };
    assert.deepEqual(checked('SendWorkflowStepAction', step), [
      `imagebuilder:SendWorkflowStepAction ${arn}`,
      `imagebuilder:SendWorkflowStepAction ${PREFIX}workflow-step-execution/step-1`,
    ]);
    const filters = [{ name: 'imagePipelineArn', values: [`${PREFIX}image-pipeline/web`] }];
    assert.deepEqual(checked('ListImageScanFindings', { filters }), [
      `imagebuilder:ListImageScanFindings ${PREFIX}image-pipeline/web`,
    ]);
  });

  it('are on the resource that it makes, and on tagging it', () => {
    const input = { name: 'My Web_Server', semanticVersion: '1.0.0', tags: { team: 'web' } };
    assert.deepEqual(checked('CreateComponent', input), [
      `imagebuilder:CreateComponent ${PREFIX}component/my-web-server/1.0.0/*`,
      `imagebuilder:TagResource ${PREFIX}component/my-web-server/1.0.0/*`,
    ]);
    assert.deepEqual(checked('CreateWorkflow', { name: 'w', semanticVersion: '1.0.0', type: 'BUILD', tags: {} }), [
      `imagebuilder:CreateWorkflow ${PREFIX}workflow/build/w/1.0.0/*`,
    ]);
  });

  it('are on everything that is used, roles included', () => {
    const input = {
      imageRecipeArn: `${PREFIX}image-recipe/web/1.0.0`,
      infrastructureConfigurationArn: `${PREFIX}infrastructure-configuration/small`,
      workflows: [{ workflowArn: `${PREFIX}workflow/build/w/1.0.0/1` }],
      executionRole: 'builder',
    };
    assert.deepEqual(checked('CreateImage', input), [
      `imagebuilder:CreateImage ${PREFIX}image/web/1.0.0/*`,
      `imagebuilder:GetImageRecipe ${PREFIX}image-recipe/web/1.0.0`,
      `imagebuilder:GetInfrastructureConfiguration ${PREFIX}infrastructure-configuration/small`,
      `imagebuilder:GetWorkflow ${PREFIX}workflow/build/w/1.0.0/1`,
      'iam:PassRole arn:aws:iam::123456789012:role/builder',
    ]);
    const recipe = {
      name: 'r',
      semanticVersion: '1.0.0',
      parentImage: 'ami-0123456789abcdef0',
      components: [{ componentArn: `${PREFIX}component/a/x.x.x` }],
    };
    assert.deepEqual(checked('CreateImageRecipe', recipe), [
      `imagebuilder:CreateImageRecipe ${PREFIX}image-recipe/r/1.0.0`,
      `imagebuilder:GetComponent ${PREFIX}component/a/x.x.x`,
    ]);
    const infrastructure = { name: 'small', instanceProfileName: 'Builder' };
    assert.deepEqual(checked('CreateInfrastructureConfiguration', infrastructure), [
      `imagebuilder:CreateInfrastructureConfiguration ${PREFIX}infrastructure-configuration/small`,
      'iam:GetInstanceProfile arn:aws:iam::123456789012:instance-profile/Builder',
      'iam:PassRole arn:aws:iam::123456789012:role/Builder',
    ]);
  });

  it('know what conditions may ask for', () => {
    const input = {
      name: 'small',
      instanceProfileName: 'Builder',
      tags: { Team: 'web', stage: 'test' },
      resourceTags: { owner: 'me' },
      instanceMetadataOptions: { httpTokens: 'required' },
      snsTopicArn: 'arn:aws:sns:us-east-1:123456789012:t',
    };
    const [first, , , pass] = accessChecks('CreateInfrastructureConfiguration', input, place);
    assert.deepEqual(Object.fromEntries(first?.context ?? []), {
      'aws:requesttag/team': ['web'],
      'aws:requesttag/stage': ['test'],
      'aws:tagkeys': ['Team', 'stage'],
      'imagebuilder:createdresourcetag/owner': ['me'],
      'imagebuilder:createdresourcetagkeys': ['owner'],
      'imagebuilder:ec2metadatahttptokens': ['required'],
      'imagebuilder:statustopicarn': ['arn:aws:sns:us-east-1:123456789012:t'],
    });
    assert.deepEqual(Object.fromEntries(pass?.context ?? []), { 'iam:passedtoservice': ['ec2.amazonaws.com'] });
  });
});
