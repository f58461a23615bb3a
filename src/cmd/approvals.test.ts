import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  GetImageCommand,
  type ImagebuilderClient,
  ListWaitingWorkflowStepsCommand,
} from '@aws-sdk/client-imagebuilder';
import { approve, reject } from './answer-step.ts';
import { runCommand } from './command.fixture.ts';
import { connect } from './connect.ts';
import { functionCommand } from './function.ts';
import { openTestService } from './service.fixture.ts';
import { followBuild } from './service-client.ts';
import { stateMachine } from './state-machine.ts';
import { createWorkflowImage } from './workflow-image.fixture.ts';

const never = new AbortController().signal;
const MACHINE = 'arn:aws:states:us-east-1:ACCOUNT:stateMachine:judge';

/** A build that asks a state machine, tells a function and waits. */
const WORKFLOW = `schemaVersion: 1.0
steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
  - { name: Judge, action: ExecuteStateMachine, inputs: { stateMachineArn: '${MACHINE}', input: '{"n": 20}' } }
  - name: Gate
    action: WaitForAction
    inputs: { lambdaFunctionName: tell, payload: '{"judged": {{ $.stepOutputs.Judge.output }}}' }
  - { name: Capture, action: CreateImage, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
  - { name: End, action: TerminateInstance, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
`;

function createImage(client: ImagebuilderClient, accountId: string, name: string): Promise<string> {
  const data = WORKFLOW.replace('ACCOUNT', accountId);
  const parentImage = 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x';
  return createWorkflowImage(client, { name, type: 'BUILD', data, parentImage });
}

/** Until the image is in one of these states. The service has no way to tell. */
async function untilStatus(client: ImagebuilderClient, arn: string, statuses: readonly string[]): Promise<string> {
  for (;;) {
    const { image } = await client.send(new GetImageCommand({ imageBuildVersionArn: arn }));
    const { status = '', reason = '' } = image?.state ?? {};
    if (statuses.includes(status)) return status;
    assert.notEqual(status, 'FAILED', reason);
    await delay(20);
  }
}

async function untilWaiting(client: ImagebuilderClient, arn: string): Promise<void> {
  for (;;) {
    const { steps = [] } = await client.send(new ListWaitingWorkflowStepsCommand({}));
    if (steps.some(({ imageBuildVersionArn }) => imageBuildVersionArn === arn)) return;
    const { image } = await client.send(new GetImageCommand({ imageBuildVersionArn: arn }));
    assert.notEqual(image?.state?.status, 'FAILED', image?.state?.reason);
    await delay(20);
  }
}

test('a build calls functions and state machines of this home, waits, and is approved or rejected', async () => {
  await using service = await openTestService();
  const { config, folder } = service;
  const code = join(folder, 'code');
  await mkdir(code);
  await writeFile(
    join(code, 'index.mjs'),
    'export const tell = async (event) => { console.log(JSON.stringify(event)); };\n' +
      'export const double = async ({ n }) => ({ n: n * 2 });\n',
  );
  for (const name of ['tell', 'double']) {
    await runCommand(functionCommand, ['add', name, code, '--handler', `index.${name}`, '--timeout', '20'], config);
  }
  const listed = await runCommand(functionCommand, ['list'], config);
  assert.match(listed.stdout, /double +nodejs +index\.double +128 MiB +20 s/);
  const machine = join(folder, 'machine.json');
  await writeFile(
    machine,
    JSON.stringify({
      StartAt: 'Double',
      States: {
        Double: {
          ...{ Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', End: true, OutputPath: '$.Payload' },
          Parameters: { FunctionName: 'double', 'Payload.$': '$' },
        },
      },
    }),
  );
  await runCommand(stateMachine, ['add', 'judge', machine], config);

  await using connection = await connect(config, never);
  const { client, accountId } = connection;
  const good = await createImage(client, accountId, 'good');
  await untilWaiting(client, good);
  const waiting = await runCommand(approve, [], config);
  assert.match(waiting.stdout, new RegExp(`step-\\S+ +Gate .*${good}`));
  const answered = await runCommand(approve, [good, '--reason', 'fine'], config);
  assert.equal(answered.stdout, `approved Gate of ${good}\n`);
  assert.equal(await untilStatus(client, good, ['AVAILABLE']), 'AVAILABLE');
  await assert.rejects(runCommand(approve, [good], config), { message: `nothing waits there: ${good}` });

  const bad = await createImage(client, accountId, 'bad');
  await untilWaiting(client, bad);
  await runCommand(reject, [bad], config);
  for (;;) {
    const { image } = await client.send(new GetImageCommand({ imageBuildVersionArn: bad }));
    if (image?.state?.status !== 'FAILED') {
      await delay(20);
      continue;
    }
    assert.match(image.state.reason ?? '', /Somebody said STOP/);
    break;
  }
  const lines: string[] = [];
  for await (const line of followBuild(connection.address, good, false, never)) {
    if (line.kind === 'log') lines.push(line.message);
  }
  const told = lines.find((line) => line.startsWith('{"imageArn"'));
  assert.deepEqual(JSON.parse(told ?? '{}').payload, { judged: { n: 40 } });
  assert.ok(
    lines.some((line) => line.includes(`kiln approve ${good}`)),
    'the log says how to answer',
  );
  await runCommand(functionCommand, ['rm', 'tell'], config);
  await assert.rejects(runCommand(functionCommand, ['rm', 'tell'], config), { message: "there is no function 'tell'" });
});

test('functions and state machines that cannot be are refused when they are added', async () => {
  await using service = await openTestService();
  const { config, folder } = service;
  const code = join(folder, 'code');
  await mkdir(code);
  const add = (...more: string[]) => runCommand(functionCommand, ['add', 'f', code, ...more], config);
  await assert.rejects(add(), /has neither a program 'bootstrap' nor a file index\.mjs/);
  await writeFile(join(code, 'index.mjs'), '');
  await assert.rejects(add('--memory', '1'), /--memory must be from 128 to 10240/);
  await assert.rejects(add('--timeout', '901'), /--timeout must be from 1 to 900/);
  await assert.rejects(add('--env', 'x'), /--env must be NAME=VALUE/);
  await assert.rejects(runCommand(functionCommand, ['add', '../f', code], config), /cannot be a name/);
  const machine = join(folder, 'machine.json');
  await writeFile(machine, '{"QueryLanguage":"JSONata","StartAt":"A","States":{}}');
  await assert.rejects(runCommand(stateMachine, ['add', 'm', machine], config), /JSONata is not supported/);
});
