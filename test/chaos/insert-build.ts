import type { WorkflowType } from '../../src/documents/workflow-actions.ts';
import { ACCOUNT } from '../../src/engine/simulated/build-bench.ts';
import type { Store } from '../../src/state/open-store.ts';
import { insertImage, insertResource } from '../../src/state/test-rows.ts';
import type { Build, DocumentStep, Launch, Step } from './any-build.ts';
import { commandEffect, documentEffect } from './outcome.ts';
import { STATE_MACHINE } from './outside.ts';

const OWNER = `arn:aws:imagebuilder:us-east-1:${ACCOUNT}`;
const VERSION = { major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' };

/** Writes a PENDING image with its components and workflows. Gives its ARN. */
export async function insertBuild(store: Store, build: Build, slug: string): Promise<string> {
  const components: { componentArn: string }[] = [];
  for (const [index, steps] of build.components.entries()) {
    const componentArn = `${OWNER}:component/${slug}-${index}/1.0.0/1`;
    components.push({ componentArn });
    await insertResource(store.db, {
      ...{ arn: componentArn, kind: 'component', slug: `${slug}-${index}`, ...VERSION },
      document: JSON.stringify({ data: componentText(slug, index, steps) }),
    });
  }
  const workflows = [
    ...(build.launch === undefined
      ? []
      : [{ workflowArn: await insertWorkflow(store, 'BUILD', slug, buildWorkflow(build, build.launch, slug)) }]),
    ...(await Promise.all(
      build.tests.map(async ({ steps, goesOn }, index) => ({
        workflowArn: await insertWorkflow(store, 'TEST', `${slug}-${index}`, testWorkflow(steps, slug)),
        ...(build.together ? { parallelGroup: 'all' } : {}),
        onFailure: goesOn ? 'CONTINUE' : 'ABORT',
      })),
    )),
    ...(build.release === undefined
      ? []
      : [{ workflowArn: await insertWorkflow(store, 'DISTRIBUTION', slug, releaseWorkflow(build.release, slug)) }]),
  ];
  return insertImage(store.db, {
    slug,
    image_recipe: JSON.stringify({
      ...{ name: slug, version: '1.0.0', workingDirectory: '/tmp', components },
      parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x',
    }),
    infrastructure_configuration: JSON.stringify({ instanceTypes: ['m5.large'] }),
    tags: JSON.stringify({ 'kiln:executor': 'vm' }),
    workflows: JSON.stringify(workflows),
  });
}

function insertWorkflow(store: Store, type: WorkflowType, name: string, data: string): Promise<string> {
  const slug = `${type.toLowerCase()}/${name}`;
  const arn = `${OWNER}:workflow/${slug}/1.0.0/1`;
  return insertResource(store.db, {
    ...{ arn, kind: 'workflow', slug, ...VERSION },
    document: JSON.stringify({ data, type }),
  });
}

function componentText(slug: string, document: number, steps: readonly DocumentStep[]): string {
  const lines = steps.flatMap(({ repeatable, fails }, index) => [
    `      - name: Step${index}`,
    '        action: ExecuteBash',
    ...(repeatable ? ['        maxAttempts: 2'] : []),
    `        inputs: { commands: ['${script(documentEffect(slug, document, index), fails)}'] }`,
  ]);
  return ['schemaVersion: 1.0', 'phases:', '  - name: build', '    steps:', ...lines].join('\n');
}

/** The simulated instance takes note of the effect (effects.ts). */
function script(effect: string, fails: boolean): string {
  return `effect ${effect}${fails ? '; false' : ''}`;
}

function buildWorkflow({ steps, registers }: Build, launch: Launch, slug: string): string {
  return `schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
${launch.fails ? retry(2) : ''}${launch.stays ? '    rollbackEnabled: false\n' : ''}    inputs: { waitFor: ssmAgent }
${steps.map((step, index) => stepText(step, index, slug)).join('')}${onInstance('Create', 'CreateImage')}${registers ? REGISTER : ''}${onInstance('Terminate', 'TerminateInstance', '    onFailure: Continue')}outputs:
  - name: Ami
    value: $.stepOutputs.Create.imageId
`;
}

function testWorkflow(steps: readonly Step[], slug: string): string {
  return `schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs: { waitFor: ssmAgent }
${steps.map((step, index) => stepText(step, index, slug)).join('')}${onInstance('Terminate', 'TerminateInstance')}`;
}

const REGISTER = `  - name: Register
    action: RegisterImage
    inputs:
      blockDeviceMapping: [{ DeviceName: /dev/xvda, Ebs: { SnapshotId.$: $.stepOutputs.Create.imageId } }]
`;

/** Makes the AMI what its release says, asks, and hands it out: everybody may launch it, and a parameter has its id. */
function releaseWorkflow(steps: readonly Step[], slug: string): string {
  return `schemaVersion: 1.0
steps:
  - { name: Copy, action: DistributeImage }
${steps.map((step, index) => stepText(step, index, slug)).join('')}  - name: Share
    action: ModifyImageAttributes
    inputs:
      distributedImages.$: $.stepOutputs.Copy.distributedImages
      attributes: [{ region: us-east-1, launchPermission: { userGroups: [all] } }]
  - name: Publish
    action: ApplyImageConfigurations
    inputs:
      distributedImages.$: $.stepOutputs.Copy.distributedImages
      configurations: [{ region: us-east-1, ssmParameterConfigurations: [{ parameterName: /${slug} }] }]
`;
}

function retry(maxAttempts: number): string {
  return maxAttempts === 1 ? '' : `    retry: { maxAttempts: ${maxAttempts}, backoffSeconds: 0 }\n`;
}

function stepText(step: Step, index: number, slug: string): string {
  const name = `Step${index}`;
  const onFailure = 'goesOn' in step && step.goesOn ? ['    onFailure: Continue'] : [];
  switch (step.kind) {
    case 'components':
      return onInstance(name, 'ExecuteComponents', ...onFailure);
    case 'skipped':
      return onInstance(name, 'CollectImageMetadata', '    if: { stringEquals: a, value: b }');
    case 'wait':
      // The operator finds the answer in the name.
      return [
        [`  - name: ${name}${step.answer}`, '    action: WaitForAction', ...onFailure, ''].join('\n'),
        retry(step.answer === 'LATER' ? 2 : 1),
        step.told ? '    inputs: { lambdaFunctionName: tell }\n' : '',
      ].join('');
    case 'machine':
      return [
        [`  - name: ${name}`, '    action: ExecuteStateMachine', ...onFailure, ''].join('\n'),
        retry(step.attempts),
        `    inputs: { stateMachineArn: '${STATE_MACHINE}${step.here ? 'here' : 'there'}${step.fails ? '-fails' : ''}' }\n`,
      ].join('');
    case 'command':
      return [
        onInstance(
          name,
          'RunCommand',
          ...onFailure,
          ...(step.attempts === 1 ? [] : [retry(step.attempts).trimEnd()]),
          ...(step.waitSeconds === 0 ? [] : [`    waitSeconds: ${step.waitSeconds}`]),
        ),
        '      documentName: AWS-RunShellScript\n',
        `      parameters: { commands: ['${script(commandEffect(slug, index), step.fails)}'] }\n`,
      ].join('');
    default:
      return onInstance(name, step.kind);
  }
}

function onInstance(name: string, action: string, ...more: readonly string[]): string {
  const lines = [
    `  - name: ${name}`,
    `    action: ${action}`,
    ...more,
    '    inputs:',
    '      instanceId.$: $.stepOutputs.Launch.instanceId',
    '',
  ];
  return lines.join('\n');
}
