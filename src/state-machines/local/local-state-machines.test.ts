import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Functions } from '../../functions/functions.ts';
import { BuilderFault, BuildFailure } from '../../util/faults.ts';
import { silentMonitor } from '../../util/monitor.ts';
import { noStateMachines } from '../aws/step-functions.ts';
import { localStateMachines } from './local-state-machines.ts';
import { stateMachineRegistry } from './registry.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'kiln-state-machines-test-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const PLACE = { accountId: '123456789012', region: 'us-east-1' };
const ARN = 'arn:aws:states:us-east-1:123456789012:stateMachine:';
const DOUBLE = 'arn:aws:lambda:us-east-1:123456789012:function:double';
const never = new AbortController().signal;

const functions: Functions = {
  invoke: async () => {},
  call: async (name, event) => {
    if (!name.endsWith('double')) throw new BuildFailure(`There is no function '${name}'`);
    const { n } = JSON.parse(event) as { n: number };
    return JSON.stringify({ n: n * 2 });
  },
};

async function execute(definition: object, input = '{"n":1}', signal = never) {
  const registry = stateMachineRegistry(folder);
  await registry.add('machine', JSON.stringify(definition));
  const machines = localStateMachines(registry, PLACE, functions, noStateMachines);
  return machines.execute(
    { stateMachineArn: `${ARN}machine`, input, name: 'run-1' },
    { signal, monitor: silentMonitor },
  );
}

const task = (more: object = {}): object => ({ Type: 'Task', Resource: DOUBLE, End: true, ...more });

test('states run one after the other, in branches and over lists; tasks are functions', async () => {
  const definition = {
    StartAt: 'First',
    States: {
      First: task({ End: undefined, Next: 'Invoke' }),
      Invoke: {
        ...{ Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', ResultPath: '$.invoked', Next: 'Fan' },
        Parameters: { FunctionName: 'double', 'Payload.$': '$' },
        ResultSelector: { 'n.$': '$.Payload.n' },
      },
      Fan: {
        ...{ Type: 'Parallel', ResultPath: '$.fan', Next: 'Each' },
        Branches: [{ StartAt: 'Left', States: { Left: task() } }],
      },
      Each: {
        ...{ Type: 'Map', ItemsPath: '$.fan', End: true },
        ItemProcessor: { StartAt: 'One', States: { One: task() } },
      },
    },
  };
  const { executionArn, output } = await execute(definition);
  assert.equal(executionArn, 'arn:aws:states:us-east-1:123456789012:execution:machine:run-1');
  assert.deepEqual(JSON.parse(output), [{ n: 8 }]);
});

test('an execution that fails says with what; one that is not there says so', async () => {
  const failing = { StartAt: 'No', States: { No: { Type: 'Fail', Error: 'Bad', Cause: 'because' } } };
  await assert.rejects(execute(failing), /execution:machine:run-1 failed: .*because/);
  const lost = { StartAt: 'T', States: { T: task({ Resource: DOUBLE.replace('double', 'none') }) } };
  await assert.rejects(execute(lost), /There is no function/);
  const machines = localStateMachines(stateMachineRegistry(folder), PLACE, functions, noStateMachines);
  const request = { stateMachineArn: `${ARN}none`, input: '{}', name: 'x' };
  await assert.rejects(
    machines.execute(request, { signal: never, monitor: silentMonitor }),
    /There is no state machine/,
  );
});

test('executions here end with their caller; those of a service do not', async () => {
  const registry = stateMachineRegistry(folder);
  await registry.add('here', JSON.stringify({ StartAt: 'P', States: { P: { Type: 'Pass', End: true } } }));
  const machines = localStateMachines(registry, PLACE, functions, noStateMachines);
  assert.equal(await machines.outliveCaller(`${ARN}here`), false);
  assert.equal(await machines.outliveCaller(`${ARN}elsewhere`), true);
  await registry.remove('here');
  assert.equal(await machines.outliveCaller(`${ARN}here`), true);
});

test('an abort ends an execution that waits', async () => {
  const stopping = new AbortController();
  const waits = { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 3600, End: true } } };
  const running = execute(waits, '{}', stopping.signal);
  setImmediate(() => stopping.abort(new Error('enough')));
  await assert.rejects(running, { message: 'enough' });
});

test('what the interpreter would pass over is refused when it is registered, every problem at once', async () => {
  const definition = {
    QueryLanguage: 'JSONata',
    StartAt: 'A',
    States: {
      A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' },
      B: { Type: 'Pass', InputPath: '$x.y', Next: 'C' },
      C: {
        ...task({ Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken', HeartbeatSeconds: 5, End: undefined }),
        Next: 'D',
      },
      D: { ...task({ Resource: 'arn:aws:states:::sqs:sendMessage', End: undefined }), Next: 'E' },
      E: {
        Type: 'Map',
        End: true,
        ItemProcessor: { StartAt: 'F', States: { F: { Type: 'Pass', Arguments: {}, End: true } } },
      },
    },
  };
  await assert.rejects(stateMachineRegistry(folder).add('bad', JSON.stringify(definition)), (error) => {
    assert.ok(error instanceof BuilderFault);
    assert.deepEqual(error.message.split('\n').slice(1), [
      'The state machine: QueryLanguage must be JSONPath; JSONata is not supported.',
      'A: Assign (variables) is not supported.',
      'B: the variable in $x.y is not supported.',
      'C: HeartbeatSeconds (heartbeats of tasks) is not supported.',
      'C: task tokens (arn:aws:states:::lambda:invoke.waitForTaskToken) are not supported.',
      'D: the resource arn:aws:states:::sqs:sendMessage is not supported; tasks are functions.',
      'E / F: Arguments (JSONata) is not supported.',
    ]);
    return true;
  });
  for (const text of ['{', '[]', '{"StartAt":"A"}', '{"StartAt":"A","States":{"A":{"Type":"Pass"}}}']) {
    await assert.rejects(stateMachineRegistry(folder).add('bad', text), /cannot be run/);
  }
  assert.deepEqual(await stateMachineRegistry(folder).list(), ['machine']);
});
