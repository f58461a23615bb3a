import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ExecutionRequest } from '../../src/state-machines/state-machines.ts';
import type { NewParameter } from '../../src/toe/run-services.ts';
import { TargetLostError } from '../../src/toe/target.ts';
import { BuilderFault, BuildFailure } from '../../src/util/faults.ts';
import { managed, openWholeService, token, type WholeService } from './whole-service.ts';

let whole: WholeService;
const parameters: NewParameter[] = [];
const executions: ExecutionRequest[] = [];
before(async () => {
  whole = await openWholeService({
    engine: {
      putParameter: async (parameter) => {
        if (parameter.name === '/broken') throw new Error('the disk is full');
        parameters.push(parameter);
      },
      stateMachines: {
        execute: async (request) => {
          executions.push(request);
          if (request.stateMachineArn.endsWith(':bad'))
            throw new BuildFailure('The execution FAILED: States.TaskFailed');
          return { executionArn: `${request.stateMachineArn}:${request.name}`, output: '{"verdict":"good"}' };
        },
        outliveCaller: async () => true,
      },
    },
  });
});
after(async () => {
  await whole[Symbol.asyncDispose]();
});

const LAUNCH = '  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }\n';
const ON = 'instanceId.$: $.stepOutputs.Launch.instanceId';
const CAPTURE = `  - { name: Capture, action: CreateImage, inputs: { ${ON} } }\n`;
const END = `  - { name: End, action: TerminateInstance, onFailure: Continue, inputs: { ${ON} } }\n`;

let names = 0;
/** Builds an image with a build workflow of these steps between launch and capture. */
async function built(steps: string, head = ''): Promise<string> {
  const body = `${head}steps:\n${LAUNCH}${steps}${CAPTURE}${END}`;
  const workflowArn = await whole.workflow(`actions-${++names}`, 'BUILD', body);
  const arn = await whole.image([{ workflowArn }]);
  await whole.work(arn);
  return arn;
}

async function outputsOf(arn: string, name: string): Promise<Record<string, unknown>> {
  const steps = whole.bench.store.db.selectFrom('workflow_step_executions').select('outputs').where('name', '=', name);
  const { outputs } = await steps.where('image_arn', '=', arn).orderBy('started_at', 'desc').executeTakeFirstOrThrow();
  return outputs ?? {};
}

test('RunCommand runs its script on the instance, gives its output on, and fails with what it said', async () => {
  const good = await built(`  - name: Say
    action: RunCommand
    inputs:
      ${ON}
      documentName: AWS-RunShellScript
      parameters:
        commands: ['greeting="hello; $(id -u)"', 'false', 'echo "$greeting" from $PWD']
        workingDirectory: [/]
  - name: Again
    action: RunCommand
    inputs:
      ${ON}
      documentName: AWS-RunShellScript
      parameters: { commands: ['printf %s "{{ $.stepOutputs.Say.output[0] }}" | wc -l'] }
`);
  const row = await whole.bench.row(good);
  assert.equal(row.status, 'AVAILABLE', row.reason ?? '');
  const { status, output } = await outputsOf(good, 'Say');
  assert.equal(status, 'Success');
  assert.match(String((output as string[])[0]), /^hello; \d+ from \/\n$/);
  assert.deepEqual((await outputsOf(good, 'Again'))['output'], ['1\n']);

  const bad = await built(`  - name: Say
    action: RunCommand
    inputs: { ${ON}, documentName: AWS-RunShellScript, parameters: { commands: [echo the cause >&2, exit 7] } }
`);
  const { status: ended, reason } = await whole.bench.row(bad);
  assert.equal(ended, 'FAILED');
  assert.match(reason ?? '', /AWS-RunShellScript ended with exit status 7 \| the cause/);
  assert.equal((await outputsOf(bad, 'Say'))['status'], 'Failed');
});

test('RunCommand reboots for exit status 194 and runs the script again, and ends it when its time is over', async () => {
  const arn = await built(`  - name: Reboot
    action: RunCommand
    inputs:
      ${ON}
      documentName: AWS-RunShellScript
      parameters: { commands: ['test -e "$HOME/rebooted" || { touch "$HOME/rebooted"; exit 194; }', echo after] }
`);
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE', (await whole.bench.row(arn)).reason ?? '');
  assert.deepEqual((await outputsOf(arn, 'Reboot'))['output'], ['after\n']);
  const late = await built(`  - name: Slow
    action: RunCommand
    inputs:
      ${ON}
      documentName: AWS-RunShellScript
      parameters: { commands: [sleep 600], executionTimeout: ['1'] }
`);
  assert.match((await whole.bench.row(late)).reason ?? '', /The command took longer than 1 s/);
});

test('commands of other systems, other documents and other parameters are refused', async () => {
  const command = (inputs: string): string => `  - { name: Run, action: RunCommand, inputs: { ${ON}, ${inputs} } }\n`;
  const named = `parameters:\n  - { name: document, default: AWS-ConfigureAWSPackage }\n`;
  const cases: readonly [string, string, RegExp][] = [
    [
      '',
      command('documentName: AWS-RunPowerShellScript, parameters: { commands: [dir] }'),
      /is for windows, and this instance runs linux/,
    ],
    [
      named,
      command('documentName.$: $.parameters.document'),
      /does not support the document 'AWS-ConfigureAWSPackage': packages of/,
    ],
    ['', command('documentName: AWS-RunShellScript, parameters: { command: [x] }'), /no parameter 'command'/],
    ['', command('documentName: AWS-RunShellScript'), /'commands' is missing/],
    [
      '',
      command('documentName: AWS-RunShellScript, parameters: { commands: [x], executionTimeout: [soon] }'),
      /not 'soon'/,
    ],
    [
      '',
      `  - { name: Prep, action: RunSysPrep, inputs: { ${ON} } }\n`,
      /RunSysPrep is for Windows, and this image is for Linux/,
    ],
  ];
  for (const [head, step, reason] of cases) {
    const { status, reason: said } = await whole.bench.row(await built(step, head));
    assert.equal(status, 'FAILED');
    assert.match(said ?? '', reason);
  }
  await assert.rejects(built(command('documentName: AWS-ConfigureAWSPackage')), {
    name: 'InvalidParameterValueException',
    message: /:\d+:\d+: Kiln does not support 'AWS-ConfigureAWSPackage' here: packages of Systems Manager Distributor/,
  });
});

test('WaitForSSMAgent waits until the instance answers', async () => {
  let asked = 0;
  whole.bench.host.faults.command = async (_, { argv }) => {
    if (argv[0] === 'true' && asked++ === 0) throw new TargetLostError('no route to host');
  };
  const arn = await built(`  - { name: Back, action: WaitForSSMAgent, inputs: { ${ON} } }\n`);
  delete whole.bench.host.faults.command;
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE', (await whole.bench.row(arn)).reason ?? '');
  assert.deepEqual(await outputsOf(arn, 'Back'), { status: 'Online' });
  assert.equal(asked, 2);
});

test('RegisterImage makes an AMI of a disk that is there, with the tags of its owner when asked', async () => {
  const register = (disk: string, more = ''): string =>
    `  - name: Register\n    action: RegisterImage\n    inputs: { blockDeviceMapping: [{ DeviceName: /dev/xvda, Ebs: { ${disk} } }], description: second${more} }\n`;
  const body = `steps:\n${LAUNCH}${CAPTURE}${END}${register('SnapshotId.$: $.stepOutputs.Capture.imageId', ', includeSnapshotTags: true')}`;
  const workflowArn = await whole.workflow('registers', 'BUILD', body);
  const arn = await whole.image([{ workflowArn }]);
  await whole.work(arn);
  const row = await whole.bench.row(arn);
  assert.equal(row.status, 'AVAILABLE', row.reason ?? '');
  const { imageId } = await outputsOf(arn, 'Register');
  const { amis } = row.output_resources as { amis: readonly { image: string; description: string }[] };
  assert.deepEqual(
    amis.map(({ image, description }) => [image, description]),
    [[imageId, 'second']],
  );
  const { imageId: first } = await outputsOf(arn, 'Capture');
  assert.equal(
    whole.bench.images.images.get(String(imageId))?.digest,
    whole.bench.images.images.get(String(first))?.digest,
  );
  for (const [disk, more, reason] of [
    ['SnapshotId: snap-0123456789abcdef0', '', /There is no snapshot 'snap-0123456789abcdef0'/],
    ['SnapshotId: snap-00000000000000001', ', architecture: arm64', /is for x86_64, not for arm64/],
    ['SnapshotId: snap-00000000000000001', ', rootDeviceName: /dev/sdb', /no device '\/dev\/sdb'/],
  ] as const) {
    assert.match((await whole.bench.row(await built(register(disk, more)))).reason ?? '', reason);
  }
  await assert.rejects(
    built(register('SnapshotId: snap-1', ', uefiData: abc')),
    /Kiln does not support the input 'uefiData' \(UEFI variables/,
  );
});

test('ExecuteStateMachine hands its input over and its output on', async () => {
  const machine = 'arn:aws:states:us-east-1:123456789012:stateMachine';
  const run = (name: string): string =>
    `  - name: Judge\n    action: ExecuteStateMachine\n    inputs: { stateMachineArn: '${machine}:${name}', input: '{"id": "{{ $.stepOutputs.Launch.instanceId }}"}' }\n`;
  const arn = await built(run('good'));
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE', (await whole.bench.row(arn)).reason ?? '');
  const asked = executions.at(-1);
  assert.match(asked?.input ?? '', /^\{"id": "i-[0-9a-f]{17}"\}$/);
  assert.deepEqual(await outputsOf(arn, 'Judge'), {
    executionArn: `${machine}:good:${asked?.name}`,
    output: '{"verdict":"good"}',
  });
  executions.splice(0);
  const twice = run('bad').replace('inputs:', 'retry: { maxAttempts: 2, backoffSeconds: 0 }\n    inputs:');
  assert.match((await whole.bench.row(await built(twice))).reason ?? '', /States\.TaskFailed/);
  // A service refuses the name of an execution that has ended.
  assert.equal(new Set(executions.map(({ name }) => name)).size, 2);
});

const DISTRIBUTION = {
  region: 'us-east-1',
  amiDistributionConfiguration: {
    name: 'web {{ imagebuilder:buildDate:yyyy }} {{ imagebuilder:buildDate }}',
    amiTags: { Build: '{{ imagebuilder:buildVersion }}' },
    launchPermission: { userIds: ['111122223333'] },
  },
  ssmParameterConfigurations: [{ parameterName: '/golden/web' }, { parameterName: '/golden/text', dataType: 'text' }],
};

async function outputAmi(arn: string) {
  const { image } = await whole.call.GetImage({ imageBuildVersionArn: arn });
  assert.equal(image?.state?.status, 'AVAILABLE', image?.state?.reason);
  const [ami] = image?.outputResources?.amis ?? [];
  return whole.bench.images.images.get(ami?.image ?? '');
}

test('without a workflow for it, the AMI is distributed as its configuration says, SSM parameters included', async () => {
  const arn = await whole.image([], { distributions: [DISTRIBUTION], imageTestsEnabled: false });
  await whole.work(arn);
  const ami = await outputAmi(arn);
  assert.match(ami?.name ?? '', /^web \d{4} \d{4}-/);
  assert.equal(ami?.tags['Build'], '1');
  assert.deepEqual(ami?.launchPermission, { userIds: ['111122223333'] });
  assert.deepEqual(parameters.splice(0), [
    { name: '/golden/web', value: ami?.amiId, dataType: 'aws:ec2:image' },
    { name: '/golden/text', value: ami?.amiId, dataType: 'text' },
  ]);
  assert.deepEqual((await whole.bench.stages(arn)).slice(-3), ['DISTRIBUTING', 'INTEGRATING', 'AVAILABLE']);
});

test('the managed distribution workflow does the same in three steps', async () => {
  const workflows = [
    { workflowArn: managed('build', 'build-image') },
    { workflowArn: managed('distribution', 'distribute-image') },
  ];
  const arn = await whole.image(workflows, { distributions: [DISTRIBUTION] });
  await whole.work(arn);
  const ami = await outputAmi(arn);
  assert.match(ami?.name ?? '', /^web /);
  assert.deepEqual(ami?.launchPermission, { userIds: ['111122223333'] });
  assert.equal(parameters.splice(0).length, 2);
  const { distributedImages } = await outputsOf(arn, 'DistributeOutputImage');
  const [distributed] = distributedImages as Record<string, string>[];
  assert.deepEqual(
    [
      distributed?.['region'],
      distributed?.['amiId'],
      distributed?.['accountId'],
      distributed?.['status'],
      distributed?.['step'],
    ],
    ['us-east-1', ami?.amiId, '123456789012', 'Completed', 'Completed'],
  );
  assert.deepEqual((await whole.steps(arn)).slice(-3), [
    'DistributeOutputImage COMPLETED',
    'ModifyOutputImageAttributes COMPLETED',
    'ApplyOutputImageConfigurations COMPLETED',
  ]);
});

test('a distribution workflow may say itself what the AMI is called, who may launch it and where its id goes', async () => {
  const workflowArn = await whole.workflow(
    'own-release',
    'DISTRIBUTION',
    `steps:
  - name: Copy
    action: DistributeImage
    inputs:
      distributions:
        - region: us-east-1
          name: 'release {{ imagebuilder:buildVersion }} of {{ $.imagebuilder.imageName }}'
          description: own words
          amiTags: { Channel: beta, From.$: $.imagebuilder.imageVersionNumber }
  - name: Share
    action: ModifyImageAttributes
    inputs:
      distributedImages.$: $.stepOutputs.Copy.distributedImages
      attributes: [{ region: us-east-1, launchPermission: { userGroups: [all] } }]
  - name: Publish
    action: ApplyImageConfigurations
    inputs:
      distributedImages.$: $.stepOutputs.Copy.distributedImages
      configurations: [{ region: us-east-1, ssmParameterConfigurations: [{ parameterName: /own }] }]
`,
  );
  // Only distribution: the AMI gets the disk of what the recipe names.
  const arn = await whole.image([{ workflowArn }]);
  await whole.work(arn);
  const ami = await outputAmi(arn);
  const { name: imageName } = await whole.bench.row(arn);
  assert.equal(ami?.name, `release 1 of ${imageName}`);
  assert.equal(ami?.description, 'own words');
  assert.deepEqual([ami?.tags['Channel'], ami?.tags['From']], ['beta', '1.0.0']);
  assert.deepEqual(ami?.launchPermission, { userGroups: ['all'] });
  assert.equal(ami?.digest, whole.bench.images.images.get('ami-00000000000000001')?.digest);
  assert.deepEqual(parameters.splice(0), [{ name: '/own', value: ami?.amiId, dataType: 'aws:ec2:image' }]);
  assert.deepEqual(await whole.bench.stages(arn), ['PENDING', 'CREATING', 'DISTRIBUTING', 'INTEGRATING', 'AVAILABLE']);
});

test('an image that is only distributed is released when somebody says so, as the AMI that it was given', async () => {
  const workflowArn = await whole.workflow(
    'staged-release',
    'DISTRIBUTION',
    `steps:
  - { name: CopyOut, action: DistributeImage }
  - { name: Approve, action: WaitForAction }
  - name: Share
    action: ModifyImageAttributes
    inputs:
      distributedImages.$: $.stepOutputs.CopyOut.distributedImages
      attributes: [{ region: us-east-1, launchPermission: { userGroups: [all] } }]
`,
  );
  const arn = await whole.image([{ workflowArn }]);
  await whole.work(arn);
  const { distributedImages } = await outputsOf(arn, 'CopyOut');
  const { steps = [] } = await whole.call.ListWaitingWorkflowSteps({});
  const stepExecutionId = steps.find(({ imageBuildVersionArn }) => imageBuildVersionArn === arn)?.stepExecutionId ?? '';
  const answer = { imageBuildVersionArn: arn, stepExecutionId, action: 'RESUME' as const, ...token() };
  await whole.call.SendWorkflowStepAction(answer);
  await whole.workAnew(arn);
  const ami = await outputAmi(arn);
  assert.equal(ami?.amiId, (distributedImages as Record<string, string>[])[0]?.['amiId']);
  assert.deepEqual(ami?.launchPermission, { userGroups: ['all'] });
  assert.equal([...whole.bench.images.images.values()].filter(({ source }) => source === arn).length, 1);
});

test('the AMI of a distribution is made by the second attempt when the first one could not', async () => {
  const workflowArn = await whole.workflow(
    'copied-twice',
    'DISTRIBUTION',
    'steps:\n  - { name: Copy, action: DistributeImage, retry: { maxAttempts: 2, backoffSeconds: 0 } }\n',
  );
  const arn = await whole.image([{ workflowArn }]);
  whole.bench.images.faults.reuse = async () => {
    delete whole.bench.images.faults.reuse;
    throw new BuilderFault('The disk is full');
  };
  await whole.work(arn);
  const { distributedImages } = await outputsOf(arn, 'Copy');
  assert.equal((await outputAmi(arn))?.amiId, (distributedImages as Record<string, string>[])[0]?.['amiId']);
});

test('a distribution that fails says where and at what', async () => {
  const broken = { region: 'us-east-1', ssmParameterConfigurations: [{ parameterName: '/broken' }] };
  for (const workflows of [
    [],
    [{ workflowArn: managed('build', 'build-image') }, { workflowArn: managed('distribution', 'distribute-image') }],
  ]) {
    const arn = await whole.image(workflows, { distributions: [broken], imageTestsEnabled: false });
    await whole.work(arn);
    const row = await whole.bench.row(arn);
    assert.equal(row.status, 'FAILED');
    assert.equal(row.failure_context?.['imageStatus'], 'INTEGRATING');
    assert.deepEqual(row.failure_context?.['distributionFailure'], {
      errorMessage: 'The parameter /broken could not be written: the disk is full',
      regionFailures: [
        {
          ...{ region: 'us-east-1', status: 'FAILED', imageConfigurationStep: 'PUT_SSM_PARAMETERS' },
          errorMessage: 'The parameter /broken could not be written: the disk is full',
          targetAccountId: '123456789012',
        },
      ],
    });
  }
  const elsewhere = await whole.workflow(
    'elsewhere',
    'DISTRIBUTION',
    'steps:\n  - { name: Copy, action: DistributeImage, inputs: { distributions: [{ region: eu-west-1 }] } }\n',
  );
  const arn = await whole.image([{ workflowArn: elsewhere }]);
  await whole.work(arn);
  assert.match((await whole.bench.row(arn)).reason ?? '', /does not distribute to other Regions yet: eu-west-1/);
});
