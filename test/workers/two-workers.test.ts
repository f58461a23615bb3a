import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { Kysely } from 'kysely';
import { script } from '../../src/engine/simulated/build-bench.ts';
import { connectStore } from '../../src/state/open-store.ts';
import type { Database } from '../../src/state/tables.ts';
import { insertImage, insertResource } from '../../src/state/test-rows.ts';
import { createTestDatabase, silentLog, testDatabaseUrl } from '../../src/state/test-store.ts';

interface WorkerProcess {
  readonly id: string;
  readonly child: ChildProcess;
  readonly instances: string;
  readonly network: string;
}

/** A worker in a network of its own, in which there is nobody: the database's socket is all that workers share. */
async function startWorkerProcess(databaseUrl: string, folder: string): Promise<WorkerProcess> {
  const fixture = path.join(import.meta.dirname, 'worker-process.ts');
  const unshare = ['--net', ...(userInfo().uid === 0 ? [] : ['--user', '--map-current-user'])];
  const child = spawn('unshare', [...unshare, process.execPath, fixture, databaseUrl, folder, '3'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, id] = /^ready (\S+)/.exec(line) ?? [];
    if (id === undefined) continue;
    const network = readlinkSync(`/proc/${child.pid}/ns/net`);
    return { id, child, instances: path.join(folder, 'instances'), network };
  }
  throw new Error(`the worker ended (${child.exitCode ?? child.signalCode})`);
}

/** Builds whose components wait for a file. */
async function queueBuilds(db: Kysely<Database>, count: number, go: string, workingDirectory: string) {
  const component = await insertResource(db, {
    arn: 'arn:aws:imagebuilder:us-east-1:123456789012:component/waits/1.0.0/1',
    ...{ kind: 'component', slug: 'waits', major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' },
    document: JSON.stringify({
      data: `schemaVersion: 1.0\nname: waits\nphases:\n${script({ build: `until [ -e ${go} ]; do sleep 0.1; done` })}`,
    }),
  });
  const arns: string[] = [];
  for (let build = 1; build <= count; build++) {
    arns.push(
      await insertImage(db, {
        build,
        image_recipe: JSON.stringify({
          ...{ name: 'web', version: '1.0.0', workingDirectory },
          parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x',
          components: [{ componentArn: component }],
        }),
        infrastructure_configuration: JSON.stringify({ instanceTypes: ['m5.large'] }),
        tags: JSON.stringify({ 'kiln:executor': 'vm' }),
        queued_from: new Date(),
      }),
    );
  }
  return arns;
}

/** Waits until all builds run their components under one worker, after they began anew so often. */
async function untilRun(db: Kysely<Database>, count: number, { id }: WorkerProcess, restarts: number) {
  for (;;) {
    const rows = await db
      .selectFrom('images as image')
      .innerJoin('workflow_step_executions as step', 'step.image_arn', 'image.arn')
      .innerJoin('component_steps as command', 'command.step_execution_id', 'step.id')
      .select('image.arn')
      .where('step.status', '=', 'RUNNING')
      .where('step.action', '=', 'ExecuteComponents')
      .where('image.queued_from', 'is', null)
      .where('image.worker_id', '=', id)
      .where('image.restarts', '=', restarts)
      .execute();
    if (rows.length === count) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function instancesOf({ instances }: WorkerProcess): readonly string[] {
  return existsSync(instances) ? readdirSync(instances).filter((name) => name.startsWith('i-')) : [];
}

// The limit only keeps workers that never take over from hanging the suite.
test('two workers in networks of their own share a queue; one is frozen and thawed, the other killed', {
  timeout: 180_000,
}, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'kiln-workers-'));
  const databaseUrl = await testDatabaseUrl(await createTestDatabase());
  await using store = await connectStore({ connectionString: databaseUrl }, silentLog);
  const { db } = store;
  const go = path.join(folder, 'go');
  const workers: WorkerProcess[] = [];
  try {
    const arns = await queueBuilds(db, 3, go, folder);
    // One alone takes all three; what it cannot take is the other's.
    const first = await startWorkerProcess(databaseUrl, path.join(folder, 'first'));
    workers.push(first);
    await untilRun(db, 3, first, 0);
    const second = await startWorkerProcess(databaseUrl, path.join(folder, 'second'));
    workers.push(second);
    assert.notEqual(first.network, second.network);
    assert.equal(instancesOf(first).length, 3);

    first.child.kill('SIGSTOP');
    await untilRun(db, 3, second, 1);
    assert.equal(instancesOf(second).length, 3);
    first.child.kill('SIGCONT');
    // It sees that others have its builds, and ends its instances.
    while (instancesOf(first).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(instancesOf(second).length, 3, 'those of the other go on');

    second.child.kill('SIGKILL');
    await once(second.child, 'exit');
    await untilRun(db, 3, first, 2);
    assert.equal(instancesOf(second).length, 3, 'a place whose worker is dead is left alone');
    await writeFile(go, '');
    for (;;) {
      const open = await db.selectFrom('images').select('arn').where('ended_at', 'is', null).execute();
      if (open.length === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const images = await db
      .selectFrom('images')
      .select(['arn', 'status', 'restarts', 'worker_id'])
      .orderBy('build')
      .execute();
    assert.deepEqual(
      images,
      arns.map((arn) => ({ arn, status: 'AVAILABLE', restarts: 2, worker_id: first.id })),
    );

    const third = await startWorkerProcess(databaseUrl, path.join(folder, 'second'));
    workers.push(third);
    assert.deepEqual(instancesOf(third), [], 'the next worker of the place ends what was left there');
    assert.deepEqual(instancesOf(first), []);
  } finally {
    for (const { child } of workers) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  }
});
