/** Against a simulated service that speaks the API of Step Functions: the client is AWS's own. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { AwsSettings } from '../../toe/services/aws-settings.ts';
import { silentMonitor } from '../../util/monitor.ts';
import { stepFunctions } from './step-functions.ts';

const ARN = 'arn:aws:states:us-east-1:123456789012:stateMachine:';
const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:';
/** Names of executions that have ended are not given again. */
const closed = new Set<string>();
/** What the service answers before it tells of an execution. */
const refusals: ({ readonly status: number; readonly type: string } | 'hang up')[] = [];
const calls: { operation: string; input: Record<string, string> }[] = [];
let server: Server;
let settings: AwsSettings;
let onDescribe = (): void => {};
before(async () => {
  server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
  settings = { region: 'us-east-1', credentials, profile: undefined, endpoint: `http://127.0.0.1:${port}` };
});
after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
  const input = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
  calls.push({ operation, input });
  const send = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(body));
  };
  if (operation === 'StartExecution') {
    if (input['stateMachineArn']?.endsWith(':none') === true) {
      return send(400, { __type: 'StateMachineDoesNotExist', message: 'State Machine Does Not Exist' });
    }
    const [machine = '', name] = [input['stateMachineArn']?.split(':')[6], input['name']];
    const executionArn = `${EXECUTION}${machine}:${name}`;
    if (closed.has(executionArn)) {
      return send(400, { __type: 'ExecutionAlreadyExists', message: `Execution Already Exists: '${executionArn}'` });
    }
    return send(200, { executionArn, startDate: 1 });
  }
  if (operation === 'StopExecution') return send(200, { stopDate: 2 });
  onDescribe();
  const { executionArn = '' } = input;
  const refusal = refusals.shift();
  if (refusal === 'hang up') return void response.destroy();
  if (refusal !== undefined) return send(refusal.status, { __type: refusal.type, message: 'not now' });
  if (executionArn.includes(':slow:')) return send(200, { executionArn, status: 'RUNNING', startDate: 1 });
  closed.add(executionArn);
  if (executionArn.includes(':bad:')) {
    return send(200, { executionArn, status: 'FAILED', error: 'Bad', cause: 'because', startDate: 1 });
  }
  send(200, { executionArn, status: 'SUCCEEDED', output: '{"good":true}', startDate: 1 });
}

const run = (machine: string, { name = 'step-1', signal = new AbortController().signal } = {}) =>
  stepFunctions(settings, 1).execute(
    { stateMachineArn: `${ARN}${machine}`, input: '{"n":1}', name },
    { signal, monitor: silentMonitor },
  );

test('an execution of a service is started by its name and followed to its end', async () => {
  calls.splice(0);
  assert.deepEqual(await run('good'), {
    executionArn: 'arn:aws:states:us-east-1:123456789012:execution:good:step-1',
    output: '{"good":true}',
  });
  const start = { stateMachineArn: `${ARN}good`, input: '{"n":1}', name: 'step-1' };
  assert.deepEqual(calls[0], { operation: 'StartExecution', input: start });
});

test('one that fails, and one that is not there, say why', async () => {
  await assert.rejects(run('bad'), /execution:bad:step-1 ended with FAILED: Bad: because/);
  await assert.rejects(run('none'), /could not be started: StateMachineDoesNotExist/);
});

test('an execution that has ended is found again by its name, also by way of an alias; another name is another one', async () => {
  const first = await run('good', { name: 'again-1' });
  assert.deepEqual(await run('good', { name: 'again-1' }), first);
  assert.deepEqual(await run('good:live', { name: 'again-1' }), first);
  await assert.rejects(run('bad', { name: 'again-1' }), /ended with FAILED/);
  await assert.rejects(run('bad', { name: 'again-1' }), /execution:bad:again-1 ended with FAILED: Bad: because/);
  assert.notDeepEqual(await run('good', { name: 'again-2' }), first);
});

test('a service that does not answer for a while is asked again', async () => {
  const unavailable = { status: 503, type: 'ServiceUnavailable' };
  // The client itself asks four times.
  refusals.push(
    ...Array.from({ length: 5 }, () => unavailable),
    ...Array.from({ length: 5 }, () => 'hang up' as const),
  );
  assert.equal((await run('good', { name: 'away' })).output, '{"good":true}');
  assert.deepEqual(refusals, []);
});

test('an execution that the service does not tell of is stopped', async () => {
  calls.splice(0);
  refusals.push({ status: 400, type: 'AccessDeniedException' });
  await assert.rejects(run('slow', { name: 'secret' }), /execution:slow:secret cannot be followed: AccessDenied/);
  assert.deepEqual(
    calls.map(({ operation }) => operation),
    ['StartExecution', 'DescribeExecution', 'StopExecution'],
  );
});

test('an abort stops the execution at the service', async () => {
  calls.splice(0);
  const stopping = new AbortController();
  onDescribe = () => stopping.abort(new Error('the build was cancelled'));
  await assert.rejects(run('slow', { signal: stopping.signal }), { message: 'the build was cancelled' });
  onDescribe = () => {};
  assert.equal(calls.at(-1)?.operation, 'StopExecution');
  assert.equal(calls.at(-1)?.input['cause'], 'the build was cancelled');
});
