import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openTestHome, type TestHome } from './command.fixture.ts';
import { plan } from './plan.ts';

const EXPRESS = 'WorkflowArn: !Sub arn:aws:imagebuilder:${AWS::Region}:aws:workflow/build/express-build-image/1.0.0/1';
const OWN = 'WorkflowArn: !GetAtt Workflow.Arn';
/** Waits for somebody before it looks at what the components made. */
const template = (workflows: readonly string[], infrastructure = '') => `Resources:
  Page:
    Type: AWS::ImageBuilder::Component
    Properties:
      Name: page
      Version: 1.0.0
      Platform: Linux
      Data: |
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - { name: Write, action: ExecuteBash, inputs: { commands: [echo page] } }
  Workflow:
    Type: AWS::ImageBuilder::Workflow
    Properties:
      Name: own
      Version: 1.0.0
      Type: BUILD
      Data: |
        schemaVersion: 1.0
        steps:
          - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
          - { name: Wait, action: WaitForAction, inputs: { snsTopicArn: 'arn:aws:sns:us-east-1:123456789012:t' } }
          - { name: Apply, action: ExecuteComponents, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
          - { name: Capture, action: CreateImage, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Name: planned
      Version: 1.0.0
      ParentImage: !Sub arn:aws:imagebuilder:\${AWS::Region}:aws:image/debian-server-12-x86/x.x.x
      Components:
        - ComponentArn: !GetAtt Page.Arn
  Infrastructure:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties:
      Name: planned
      InstanceProfileName: builder
${infrastructure}
  Image:
    Type: AWS::ImageBuilder::Image
    Properties:
      ImageRecipeArn: !GetAtt Recipe.Arn
      InfrastructureConfigurationArn: !GetAtt Infrastructure.Arn
      ImageTestsConfiguration: { ImageTestsEnabled: false }
${workflows.length === 0 ? '' : ['      ExecutionRole: builder', '      Workflows:', ...workflows.map((one) => `        - ${one}`)].join('\n')}
`;

describe('kiln plan', () => {
  let home: TestHome;
  before(async () => {
    home = await openTestHome();
  });
  after(() => home[Symbol.asyncDispose]());

  async function planned(text: string, ...argv: readonly string[]) {
    const file = join(home.folder, 'template.yaml');
    await writeFile(file, text);
    const { stdout } = await home.run(plan, [file, '--json', ...argv]);
    const shown = JSON.parse(stdout) as {
      readonly executor: string;
      readonly unknown: readonly string[];
      readonly components: readonly { readonly key?: string; readonly why?: string }[];
    };
    return { ...shown, keys: shown.components.map(({ key }) => key), why: shown.components.map(({ why }) => why) };
  }

  test('the express workflow is planned as it is built: on a mounted disk', async () => {
    const express = await planned(template([EXPRESS]));
    assert.equal(express.executor, 'direct');
    assert.deepEqual(express.keys, (await planned(template([]), '--executor', 'direct')).keys);
    assert.notDeepEqual(express.keys, (await planned(template([]))).keys);
    assert.ok(!express.unknown.some((step) => step.includes('CollectImageMetadata')), 'a step that it does not have');
  });

  test('a parent that is not here, and cannot be made, is refused at its place', async () => {
    const of = (parent: string) => template([]).replace(/ParentImage: .*/, `ParentImage: ${parent}`);
    await assert.rejects(
      planned(of('ami-00000000000000000')),
      /template\.yaml:\d+:20: The AMI 'ami-0{17}' does not exist/,
    );
    const old = of('arn:aws:imagebuilder:us-east-1:aws:image/debian-server-11-x86/x.x.x');
    await assert.rejects(planned(old), /:20: There is no image 'debian-server-11-x86' in the catalogue.*did you mean/);
  });

  test('a workflow of another form is said to reuse nothing, and its steps are those that take time', async () => {
    const own = await planned(template([OWN]));
    assert.deepEqual(own.why, ['nothing is reused: the build workflow is not of the usual form']);
    assert.ok(own.unknown.includes('step WaitForAction auto'));
    assert.match((await planned(template([]))).why[0] ?? '', /it is new/);
  });

  test('what the host makes of instance types is in the keys', async () => {
    const types = (...names: string[]) => template([], `      InstanceTypes: [${names.join()}]`);
    const keys = async (...names: string[]) => (await planned(types(...names), '--executor', 'vm')).keys;
    // One vCPU and two: also a small host tells them apart.
    assert.notDeepEqual(await keys('x9.large', 't2.micro'), await keys('x9.large', 't3.nano'));
    assert.deepEqual(await keys('x9.large', 't2.micro'), await keys('x8.large', 't2.micro'));
  });
});
