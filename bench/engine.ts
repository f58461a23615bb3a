/**
 * The engine without machines: worker processes on the simulated build host, whose commands do nothing, and one PostgreSQL
 * as a home has it. Prints a table; `--quick` leaves the long ones out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { startEmbeddedPostgres } from '../src/state/embedded-postgres/start.ts';
import { connectStore, type Store } from '../src/state/open-store.ts';
import { silentLog } from '../src/state/test-log.ts';
import { insertImage, insertResource } from '../src/state/test-rows.ts';

const WORKERS = 2;
const BUILDS_AT_A_TIME = 12;
const quick = process.argv.includes('--quick');

const OWNER = 'arn:aws:imagebuilder:us-east-1:123456789012';

const step = (name: string, action: string, inputs: string): string =>
  `  - name: ${name}\n    action: ${action}\n    inputs: { ${inputs} }\n`;
const onInstance = (name: string, action: string): string =>
  step(name, action, 'instanceId.$: $.stepOutputs.Launch.instanceId');

/** Eight steps. */
const EIGHT = `schemaVersion: 1.0
steps:
${step('Launch', 'LaunchInstance', 'waitFor: ssmAgent')}${['One', 'Two', 'Three'].map((name) => onInstance(name, 'ExecuteComponents')).join('')}${onInstance('Inventory', 'CollectImageMetadata')}${onInstance('Sanitize', 'SanitizeInstance')}${onInstance('Create', 'CreateImage')}${onInstance('Terminate', 'TerminateInstance')}`;

const APPROVAL = `schemaVersion: 1.0\nsteps:\n  - name: Approve\n    action: WaitForAction\n`;

const COMPONENT = `schemaVersion: 1.0
phases:
  - name: build
    steps:
      - { name: Work, action: ExecuteBash, inputs: { commands: ['true'] } }
`;

let images = 0;

const folder = await mkdtemp(path.join(tmpdir(), 'kiln-bench-'));
const server = await startEmbeddedPostgres({
  ...{ directory: path.join(folder, 'postgres'), log: silentLog },
  signal: new AbortController().signal,
});
const { host, port, user } = server;
const url = `postgresql://${user}@/postgres?host=${encodeURIComponent(host)}&port=${port}`;
const store = await connectStore({ connectionString: url }, silentLog);
const workers: ChildProcess[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const worker of workers) worker.kill('SIGKILL');
    void server.stop().finally(() => process.exit(1));
  });
}
try {
  const definitions = await define(store);
  for (let index = 0; index < WORKERS; index++) workers.push(await startWorker(path.join(folder, `worker-${index}`)));
  await build(definitions.eight, 50);
  print('start of a build to its first step, median of 100', `${(await firstStepMs(definitions.eight)).toFixed(0)} ms`);
  for (const count of quick ? [100, 1000] : [100, 1000, 10_000]) {
    const seconds = await build(definitions.eight, count);
    print(`${count} builds of 8 steps`, `${(count / seconds).toFixed(1)} builds/s`);
  }
  const approvals = quick ? 1000 : 10_000;
  const before = await memory();
  await park(definitions.approval, approvals);
  const after = await memory();
  print(`heap of a worker before ${approvals} parked approvals`, mib(before));
  print(`heap of a worker with ${approvals} parked approvals`, mib(after));
} finally {
  for (const worker of workers) {
    worker.kill('SIGTERM');
    if (worker.exitCode === null) await once(worker, 'exit');
  }
  await store.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

function print(what: string, figure: string): void {
  console.log(`| ${what} | ${figure} |`);
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

interface Definitions {
  readonly eight: string;
  readonly approval: string;
}

async function define({ db }: Store): Promise<Definitions> {
  const version = { major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' };
  await insertResource(db, {
    ...{ arn: `${OWNER}:component/work/1.0.0/1`, kind: 'component', slug: 'work', ...version },
    document: JSON.stringify({ data: COMPONENT }),
  });
  const arns = { eight: '', approval: '' };
  for (const [name, data] of [
    ['eight', EIGHT],
    ['approval', APPROVAL],
  ] as const) {
    arns[name] = await insertResource(db, {
      ...{ arn: `${OWNER}:workflow/build/${name}/1.0.0/1`, kind: 'workflow', slug: `build/${name}`, ...version },
      document: JSON.stringify({ data, type: 'BUILD' }),
    });
  }
  return arns;
}

async function startWorker(place: string): Promise<ChildProcess> {
  const program = path.join(import.meta.dirname, '../test/workers/worker-process.ts');
  const args = ['--expose-gc', program, url, place, String(BUILDS_AT_A_TIME), 'idle'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await lineOf(child, /^ready/);
  return child;
}

function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) return reject(new Error('no output'));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      if (!pattern.test(line)) return;
      lines.close();
      resolve(line);
    });
    child.once('exit', (code) => reject(new Error(`a worker ended: ${code}`)));
  });
}

async function memory(): Promise<number> {
  const [worker] = workers;
  if (worker === undefined) throw new Error('no worker');
  const said = lineOf(worker, /^memory/);
  worker.kill('SIGUSR2');
  return Number((await said).split(' ')[1]);
}

function insert(workflowArn: string): Promise<string> {
  const slug = `bench-${images++}`;
  return insertImage(store.db, {
    slug,
    image_recipe: JSON.stringify({
      ...{ name: slug, version: '1.0.0', workingDirectory: '/tmp' },
      parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x',
      components: [{ componentArn: `${OWNER}:component/work/1.0.0/1` }],
    }),
    infrastructure_configuration: JSON.stringify({ instanceTypes: ['m5.large'] }),
    tags: JSON.stringify({ 'kiln:executor': 'vm' }),
    workflows: JSON.stringify([{ workflowArn }]),
    created_at: new Date(),
  });
}

/** Seconds from the first request to the end of the last build. */
async function build(workflowArn: string, count: number): Promise<number> {
  const begin = performance.now();
  const before = await ended('AVAILABLE');
  for (let done = 0; done < count; done += 50) {
    const some = Array.from({ length: Math.min(50, count - done) }, () => insert(workflowArn));
    for (const arn of await Promise.all(some)) await store.jobs.enqueue(store.db, arn);
  }
  while ((await ended('AVAILABLE')) - before < count) {
    const failed = store.db.selectFrom('images').select('reason').where('status', '=', 'FAILED').limit(1);
    const failure = await failed.executeTakeFirst();
    if (failure !== undefined) throw new Error(`a build failed: ${failure.reason}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return (performance.now() - begin) / 1000;
}

async function ended(status: 'AVAILABLE'): Promise<number> {
  const query = store.db.selectFrom('images').select(({ fn }) => fn.countAll<string>().as('count'));
  return Number((await query.where('status', '=', status).executeTakeFirstOrThrow()).count);
}

async function firstStepMs(workflowArn: string): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 100; run++) {
    const arn = await insert(workflowArn);
    const asked = Date.now();
    await store.jobs.enqueue(store.db, arn);
    const open = store.db.selectFrom('images').select('arn').where('arn', '=', arn).where('ended_at', 'is', null);
    // Whoever asks all the time takes the workers' time.
    while ((await open.execute()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    const query = store.db.selectFrom('workflow_step_executions').select('started_at').where('image_arn', '=', arn);
    const first = await query.orderBy('position').limit(1).executeTakeFirstOrThrow();
    times.push((first.started_at?.getTime() ?? Number.NaN) - asked);
  }
  return times.toSorted((a, b) => a - b)[50] ?? Number.NaN;
}

async function park(workflowArn: string, count: number): Promise<void> {
  for (let done = 0; done < count; done += 50) {
    for (const arn of await Promise.all(Array.from({ length: 50 }, () => insert(workflowArn)))) {
      await store.jobs.enqueue(store.db, arn);
    }
  }
  for (;;) {
    const parked = store.db.selectFrom('images').select(({ fn }) => fn.countAll<string>().as('count'));
    const { count: now } = await parked.where('parked_until', 'is not', null).executeTakeFirstOrThrow();
    if (Number(now) === count) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
