import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateImageCommand,
  CreateImageRecipeCommand,
  CreateInfrastructureConfigurationCommand,
  CreateWorkflowCommand,
} from '@aws-sdk/client-imagebuilder';
import { runCommand } from './command.fixture.ts';
import { connect } from './connect.ts';
import { explain } from './explain.ts';
import { openTestService } from './service.fixture.ts';
import { followBuild } from './service-client.ts';

const never = new AbortController().signal;

const WORKFLOW = `schemaVersion: 1.0
steps:
  - name: Begin
    action: LaunchInstance
    inputs: { waitFor: ssmAgent, imageIdOverride: ami-0123456789abcdef0 }
  - { name: Capture, action: CreateImage, inputs: { instanceId.$: $.stepOutputs.Begin.instanceId } }
`;

test('kiln explain names the stage and the step of a failure, which the SDK leaves out of its answers', async () => {
  await using service = await openTestService();
  const { config } = service;
  await using connection = await connect(config, never);
  const { client, address } = connection;
  const name = 'doomed';
  const version = { name, semanticVersion: '1.0.0' };
  const workflow = await client.send(new CreateWorkflowCommand({ ...version, type: 'BUILD', data: WORKFLOW }));
  const parentImage = 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x';
  const { imageRecipeArn } = await client.send(new CreateImageRecipeCommand({ ...version, parentImage }));
  const { infrastructureConfigurationArn } = await client.send(
    new CreateInfrastructureConfigurationCommand({ name, instanceProfileName: 'profile' }),
  );
  const { imageBuildVersionArn = '' } = await client.send(
    new CreateImageCommand({
      ...{ imageRecipeArn, infrastructureConfigurationArn, executionRole: 'builder' },
      workflows: [{ workflowArn: workflow.workflowBuildVersionArn }],
    }),
  );
  for await (const _line of followBuild(address, imageBuildVersionArn, true, never));

  const facts = JSON.parse((await runCommand(explain, [imageBuildVersionArn, '--json'], config)).stdout);
  assert.equal(facts.status, 'FAILED');
  assert.equal(facts.stage, 'BUILDING');
  assert.equal(facts.step, 'Begin (LaunchInstance)');
  assert.match(facts.what, /There is no AMI 'ami-0123456789abcdef0'/);
});
