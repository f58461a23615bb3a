/** Of every class of failure a build that fails so, and what its image says of it: at once, and when its worker was killed first. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import type { FailureClass } from '../../src/engine/failure-cause/failure-classes.ts';
import { runBuild } from '../../src/engine/run-build.ts';
import { script } from '../../src/engine/simulated/build-bench.ts';
import { noFunctions } from '../../src/functions/aws/lambda.ts';
import { localFunctions } from '../../src/functions/local/local-functions.ts';
import { functionRegistry } from '../../src/functions/local/registry.ts';
import { noStateMachines } from '../../src/state-machines/aws/step-functions.ts';
import { localStateMachines } from '../../src/state-machines/local/local-state-machines.ts';
import { stateMachineRegistry } from '../../src/state-machines/local/registry.ts';
import { TargetLostError } from '../../src/toe/target.ts';
import { BuilderFault, BuildFailure } from '../../src/util/faults.ts';
import { managed, openWholeService, token, type WholeService } from './whole-service.ts';

const never = new AbortController().signal;
const PLACE = { accountId: '123456789012', region: 'us-east-1' };

let folder: string;
let ports: Partial<Engine>;
let whole: WholeService;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'kiln-causes-test-'));
  const registry = functionRegistry(path.join(folder, 'functions'));
  const common = { runtime: 'nodejs', handler: 'index.handler', memoryMiB: 256, environment: {} } as const;
  const codes = {
    throws: "throw new Error('no such ticket')",
    hangs: 'await new Promise((end) => setTimeout(end, 60_000))',
  };
  for (const [name, code] of Object.entries(codes)) {
    await mkdir(path.join(folder, name));
    await writeFile(path.join(folder, name, 'index.mjs'), `export const handler = async () => { ${code}; };`);
    await registry.add({ ...common, name, timeoutSeconds: name === 'hangs' ? 1 : 20 }, path.join(folder, name), never);
  }
  const machines = stateMachineRegistry(path.join(folder, 'machines'));
  const failing = { StartAt: 'No', States: { No: { Type: 'Fail', Error: 'Bad', Cause: 'the scan found something' } } };
  await machines.add('scan', JSON.stringify(failing));
  const functions = localFunctions(registry, PLACE, noFunctions);
  ports = { functions, stateMachines: localStateMachines(machines, PLACE, functions, noStateMachines) };
  whole = await openWholeService({ engine: ports });
});
after(async () => {
  await whole[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const ON = 'instanceId.$: $.stepOutputs.Launch.instanceId';
const command = (text: string, more = ''): string => `  - name: Run
    action: RunCommand
    inputs: { ${ON}, documentName: AWS-RunShellScript, parameters: { commands: [${JSON.stringify(text)}]${more} } }
`;
const says = (line: string): string => script({ build: `echo '${line}' >&2; exit 1` });

const TESTED = `steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
${command('COMMAND')}`;

interface Case {
  readonly class: FailureClass;
  /** Of the build workflow, after the launch. Left out: ExecuteComponents. */
  readonly steps?: string;
  readonly component?: string;
  readonly launch?: () => Promise<void>;
  /** On the first command on the instance. */
  readonly command?: () => Promise<void>;
  /** What a step that waits is told. */
  readonly answer?: 'STOP' | 'nothing';
  readonly reason: RegExp;
}

const CASES: Readonly<Record<string, Case>> = {
  'a script': { class: 'script error', component: script({ build: 'exit 3' }), reason: /exit status 3/ },
  'a command': { class: 'script error', steps: command('exit 7'), reason: /exit status 7/ },
  'a package': {
    ...{ class: 'package not found', component: says('E: Unable to locate package ngnix') },
    reason: /Unable to locate package ngnix/,
  },
  'the package of a command': {
    ...{ class: 'package not found', steps: command('echo "E: Unable to locate package ngnix" >&2; exit 100') },
    reason: /exit status 100 \| E: Unable to locate package ngnix/,
  },
  'a network': { class: 'network', component: says('curl: (6) Could not resolve host: x.invalid'), reason: /curl/ },
  'a disk of the guest': {
    class: 'disk full',
    component: says('No space left on device'),
    reason: /larger root volume/,
  },
  'a disk of the worker': {
    ...{ class: 'disk full', launch: () => Promise.reject(new BuilderFault('The disk of /x is full')) },
    reason: /the disk of the worker/,
  },
  memory: { class: 'out of memory', component: script({ build: 'exit 137' }), reason: /exit status 137/ },
  processes: { class: 'too many processes', component: says('sh: 0: Cannot fork'), reason: /Cannot fork/ },
  'a component that takes too long': {
    class: 'timeout',
    component: script({ build: 'sleep 60' }).replace(
      'action: ExecuteBash',
      'action: ExecuteBash\n        timeoutSeconds: 1',
    ),
    reason: /timed out after 1 s/,
  },
  'a command that takes too long': {
    ...{ class: 'timeout', steps: command('sleep 60', ", executionTimeout: ['1']") },
    reason: /took longer than 1 s/,
  },
  'a step that takes too long': {
    ...{ class: 'timeout', steps: command('sleep 60').replace('inputs:', 'timeoutSeconds: 1\n    inputs:') },
    reason: /timed out after 1 s/,
  },
  nobody: {
    ...{
      class: 'timeout',
      steps: '  - { name: Gate, action: WaitForAction, timeoutSeconds: 60 }\n',
      answer: 'nothing',
    },
    reason: /Nobody said RESUME or STOP within 60 s/,
  },
  somebody: {
    ...{ class: 'stopped', steps: '  - { name: Gate, action: WaitForAction }\n', answer: 'STOP' },
    reason: /Somebody said STOP: not today/,
  },
  'a function that throws': {
    class: 'function failed',
    steps: '  - { name: Gate, action: WaitForAction, inputs: { lambdaFunctionName: throws } }\n',
    reason: /no such ticket/,
  },
  'a function that hangs': {
    class: 'function failed',
    steps: '  - { name: Gate, action: WaitForAction, inputs: { lambdaFunctionName: hangs } }\n',
    reason: /did not answer within 1 s/,
  },
  'an execution': {
    class: 'function failed',
    steps: `  - name: Scan
    action: ExecuteStateMachine
    inputs: { stateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:scan' }
`,
    reason: /the scan found something/,
  },
  'a guest that does not boot': {
    class: 'guest lost',
    launch: () => Promise.reject(new BuildFailure('i-1 did not answer within 9 s.', { kind: 'guest lost' })),
    reason: /did not answer within 9 s/,
  },
  'a guest that is gone': {
    class: 'guest lost',
    component: script({ build: 'true' }),
    command: () => Promise.reject(new TargetLostError('i-1 was lost: QEMU has ended')),
    reason: /QEMU has ended/,
  },
  'a builder': {
    ...{ class: 'builder fault', launch: () => Promise.reject(new BuilderFault('QEMU is not installed')) },
    reason: /QEMU is not installed/,
  },
  'a defect': {
    ...{ class: 'builder fault', launch: () => Promise.reject(new TypeError('x is not a function')) },
    reason: /an internal error/,
  },
  'a document that is not served': {
    class: 'definition',
    steps: command('true').replace('AWS-RunShellScript', 'AWS-RunPowerShellScript'),
    reason: /is for windows/,
  },
};

/** Somebody answers, or nobody does in time. */
async function answer(arn: string, said: 'STOP' | 'nothing'): Promise<void> {
  const { db, jobs } = whole.bench.store;
  if (said === 'nothing') {
    const long = new Date(Date.now() - 60_000);
    await db.updateTable('waiting_steps').set({ deadline: long }).where('image_arn', '=', arn).execute();
    await db.updateTable('images').set({ parked_until: long }).where('arn', '=', arn).execute();
    await jobs.enqueue(db, arn);
    return;
  }
  const { steps = [] } = await whole.call.ListWaitingWorkflowSteps({});
  const stepExecutionId = steps.find(({ imageBuildVersionArn }) => imageBuildVersionArn === arn)?.stepExecutionId ?? '';
  await whole.call.SendWorkflowStepAction({
    ...{ imageBuildVersionArn: arn, stepExecutionId, action: said, reason: 'not today', ...token() },
  });
}

let count = 0;

/** Runs a build up to where it fails, or is killed (`engine`). */
async function build(one: Case, engine: (arn: string) => Engine): Promise<string> {
  const {
    steps = `  - { name: Apply, action: ExecuteComponents, inputs: { ${ON} } }\n`,
    component,
    launch,
    answer: said,
  } = one;
  const body = `steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
${steps}  - { name: Capture, action: CreateImage, inputs: { ${ON} } }
`;
  const workflowArn = await whole.workflow(`causes-${++count}`, 'BUILD', body);
  const components = [component ?? script({ build: 'true' })];
  const arn = await whole.image([{ workflowArn }], { components, imageTestsEnabled: false });
  const { faults } = whole.bench.host;
  if (launch !== undefined) faults.launch = launch;
  if (one.command !== undefined) faults.command = one.command;
  if (said !== undefined) {
    await whole.work(arn);
    await answer(arn, said);
  }
  await runBuild(engine(arn), arn, never);
  delete faults.launch;
  delete faults.command;
  return arn;
}

const plain = (): Engine => ({ ...whole.bench.engine, ...ports });

/**
 * An engine whose process is killed when a step of the image is FAILED: where that is taken back, or when all is and the
 * image is not FAILED yet (`late`). `killed` resolves then.
 */
function dying(
  arn: string,
  late: boolean,
): { readonly engine: Engine; readonly killed: Promise<void>; revive(): void } {
  const engine = plain();
  const { buildHost, db } = engine;
  const killed = Promise.withResolvers<void>();
  const revived = Promise.withResolvers<void>();
  const live = async (): Promise<void> => {
    const failed = db.selectFrom('workflow_step_executions').select('id').where('image_arn', '=', arn);
    if ((await failed.where('status', '=', 'FAILED').execute()).length === 0) return;
    killed.resolve();
    await revived.promise;
  };
  const host = {
    ...buildHost,
    list: () => live().then(() => buildHost.list()),
    terminate: (instanceId: string) => (late ? Promise.resolve() : live()).then(() => buildHost.terminate(instanceId)),
  };
  return { engine: { ...engine, buildHost: host }, killed: killed.promise, revive: revived.resolve };
}

/** As {@link build}; the process is killed when the step has failed, and another one brings the build to its end. */
async function killedBuild(
  begin: (engine: (arn: string) => Engine) => Promise<string>,
  { late }: { readonly late: boolean },
): Promise<string> {
  let dead: ReturnType<typeof dying> | undefined;
  const died = Promise.withResolvers<string>();
  const first = begin((arn) => {
    dead = dying(arn, late);
    void dead.killed.then(() => died.resolve(arn));
    return dead.engine;
  });
  const arn = await Promise.race([died.promise, first.then(() => assert.fail('it was not killed'))]);
  const { faults } = whole.bench.host;
  delete faults.launch;
  delete faults.command;
  await whole.bench.store.jobs.enqueue(whole.bench.store.db, arn);
  await runBuild({ ...whole.bench.successor().engine, ...ports }, arn, never);
  const ended = await whole.bench.row(arn);
  dead?.revive();
  await first;
  assert.deepEqual(await whole.bench.row(arn), ended, 'who was killed changes nothing more');
  return arn;
}

/** What an image says of its failure, without what is another one in every build. */
async function said(arn: string): Promise<{ readonly reason: string; readonly context: unknown }> {
  const { status, reason, failure_context: context } = await whole.bench.row(arn);
  assert.equal(status, 'FAILED', reason ?? '');
  const alike = (text: string): string =>
    text.replace(/\b(wf|step|i)-[0-9a-f-]{8,}/g, '$1').replace(/\b(d|causes-)\d+/g, '$1');
  return { reason: alike(reason ?? ''), context: JSON.parse(alike(JSON.stringify(context))) };
}

for (const [what, one] of Object.entries(CASES)) {
  test(`${what} fails a build: ${one.class}`, async () => {
    const atOnce = await said(await build(one, plain));
    assert.match(atOnce.reason, one.reason);
    assert.ok(atOnce.reason.includes(` | cause: ${one.class} | try: `), atOnce.reason);
    const isComponent = one.component !== undefined && one.command === undefined;
    assert.equal('componentFailure' in (atOnce.context as object), isComponent);
    // What the output of components says is kept alike.
    if (isComponent && !['package not found', 'timeout'].includes(one.class)) return;
    const late = one.component === undefined;
    assert.deepEqual(await said(await killedBuild((engine) => build(one, engine), { late })), atOnce);
  });
}

test('a distribution that failed is told with its Region, also by another worker', async () => {
  const putParameter = () => Promise.reject(new BuilderFault('The folder of parameters is gone'));
  const distributions = [{ region: 'us-east-1', ssmParameterConfigurations: [{ parameterName: '/a' }] }];
  const workflows = [
    { workflowArn: managed('build', 'build-image') },
    { workflowArn: managed('distribution', 'distribute-image') },
  ];
  const arn = await killedBuild(
    async (engine) => {
      const image = await whole.image(workflows, { distributions, imageTestsEnabled: false });
      await runBuild({ ...engine(image), putParameter }, image, never);
      return image;
    },
    { late: true },
  );
  const { reason, failure_context: context } = await whole.bench.row(arn);
  assert.match(reason ?? '', / \| cause: builder fault \| try: /);
  const errorMessage = 'The parameter /a could not be written: The folder of parameters is gone';
  assert.deepEqual(context?.['distributionFailure'], {
    errorMessage,
    regionFailures: [
      {
        ...{ region: 'us-east-1', status: 'FAILED', imageConfigurationStep: 'PUT_SSM_PARAMETERS' },
        ...{ errorMessage, targetAccountId: '123456789012' },
      },
    ],
  });
});

test('of tests that ended because another one failed, the other one is the cause, also for another worker', async () => {
  const long = await whole.workflow('long', 'TEST', TESTED.replace('COMMAND', 'sleep 60'));
  const bad = await whole.workflow(
    'bad',
    'TEST',
    `${TESTED}${command('exit 9').replace('name: Run', 'name: Fail')}`.replace('COMMAND', 'true'),
  );
  const workflows = [long, bad].map((workflowArn) => ({ workflowArn, parallelGroup: 'all' }));
  const arn = await killedBuild(
    async (engine) => {
      const image = await whole.image(workflows);
      await runBuild(engine(image), image, never);
      return image;
    },
    { late: true },
  );
  const { reason, failure_context: context } = await whole.bench.row(arn);
  assert.match(reason ?? '', /exit status 9 \| cause: script error/);
  assert.deepEqual([context?.['workflowArn'], context?.['failedStep']], [bad, 'Fail']);
});

test('a step of a component that takes too long is compared with its own earlier runs', async () => {
  const { imageRecipeArn, infrastructureConfigurationArn } = await whole.definitions({
    components: [
      script({ build: 'true' }),
      script({ build: 'true # slow' }).replace('action: ExecuteBash', 'action: ExecuteBash\n        timeoutSeconds: 2'),
    ],
  });
  const { faults } = whole.bench.host;
  const { db } = whole.bench.store;
  const reasons: (string | null)[] = [];
  for (const hangs of [true, false, true]) {
    faults.command = (_, { stdin, signal }) =>
      hangs && String(stdin ?? '').includes('# slow')
        ? new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        : Promise.resolve();
    const { imageBuildVersionArn: arn = '' } = await whole.call.CreateImage({
      ...{ imageRecipeArn, infrastructureConfigurationArn, ...token() },
      imageTestsConfiguration: { imageTestsEnabled: false },
    });
    await whole.work(arn);
    delete faults.command;
    reasons.push((await whole.bench.row(arn)).reason);
    if (hangs) continue;
    const step = db.selectFrom('workflow_step_executions').select(['id', 'document_seconds']);
    const noted = await step.where('image_arn', '=', arn).where('document_seconds', 'is not', null).execute();
    assert.equal(noted.length, 1);
    const keys = Object.keys(noted[0]?.document_seconds ?? {}).toSorted();
    assert.match(keys.join(' '), /^(\S+)-0\/build\/Run \1-1\/build\/Run$/);
    const known = JSON.stringify({ [keys[0] ?? '']: 7, [keys[1] ?? '']: 42 });
    const { id = '' } = noted[0] ?? {};
    await db.updateTable('workflow_step_executions').set({ document_seconds: known }).where('id', '=', id).execute();
  }
  assert.match(reasons[0] ?? '', /timed out after 2 s.* \| cause: timeout \| try/, 'nothing to compare with');
  assert.equal(reasons[1], null);
  assert.match(reasons[2] ?? '', / \| cause: timeout \(it took 42 s in one earlier run\) \| try/);
});
