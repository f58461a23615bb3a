import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import { run } from '../../util/spawn.ts';
import { silentLog } from '../test-log.ts';
import { startProcess } from '../test-process.ts';
import { isPostmasterOf } from './postmaster.ts';
import { socketPath } from './socket-directory.ts';
import { type EmbeddedPostgres, type StartOptions, startEmbeddedPostgres } from './start.ts';

async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'kiln-pg-'));
  return { path: made, [Symbol.asyncDispose]: () => rm(made, { recursive: true, force: true }) };
}

/** A directory in which the server ran before; making the data takes longest, so it is made once and copied. */
async function usedDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await temporaryDirectory();
  await cp(await original, directory.path, { recursive: true });
  return directory;
}

let original: Promise<string>;

before(() => {
  original = mkdtemp(path.join(os.tmpdir(), 'kiln-pg-')).then(async (directory) => {
    await (await start(directory)).stop();
    return directory;
  });
});

after(async () => rm(await original, { recursive: true, force: true }));

function start(directory: string, options: Partial<StartOptions> = {}): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ directory, log: silentLog, signal: new AbortController().signal, ...options });
}

async function query(server: EmbeddedPostgres, text: string): Promise<unknown[]> {
  const { host, port, user } = server;
  const client = new pg.Client({ host, port, user, database: 'postgres' });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Starts the server of a directory in a process that is then killed, and gives the server's pid. */
async function abandonServer(directory: string): Promise<number> {
  await using owner = startProcess(
    {
      '{ startEmbeddedPostgres }': new URL('./start.ts', import.meta.url),
      '{ silentLog }': new URL('../test-log.ts', import.meta.url),
    },
    `const server = await startEmbeddedPostgres({
       directory: ${JSON.stringify(directory)}, log: silentLog, signal: new AbortController().signal });
     console.log(server.pid); setInterval(() => {}, 1000);`,
  );
  const pid = Number(await owner.line());
  await owner.kill();
  return pid;
}

test('a server is made once, keeps what was committed, and leaves no process and no socket when it stops', async () => {
  await using home = await temporaryDirectory();
  const directory = path.join(home.path, 'postgres');
  const first = await start(directory);
  assert.ok(!first.adopted);
  assert.deepEqual(await query(first, 'show fsync'), ['on']);
  assert.deepEqual(await query(first, 'show listen_addresses'), ['']);
  assert.deepEqual(await query(first, `select datcollate, encoding = pg_char_to_encoding('UTF8') from pg_database`), [
    ...['C', true, 'C', true, 'C', true],
  ]);
  await query(first, 'create table kept as select 42 as answer');
  await first.stop();
  await first.stop();
  assert.ok(!(await isPostmasterOf(first.pid, path.join(directory, 'data'))));
  assert.deepEqual(await readdir(path.join(directory, 'socket')), []);
  await using second = await start(directory);
  assert.deepEqual(await query(second, 'select answer from kept'), [42]);
});

test('only the owner of the directory can reach the server and read its data', async () => {
  await using home = await usedDirectory();
  const directory = home.path;
  await using server = await start(directory);
  for (const place of [directory, server.host, path.join(directory, 'data')]) {
    assert.equal((await stat(place)).mode & 0o077, 0, place);
  }
  assert.equal((await stat(path.join(directory, 'data'))).uid, process.getuid?.());
});

test('the server of a kiln that was killed is adopted with its data, and ends with the one that adopted it', async () => {
  await using home = await usedDirectory();
  const directory = home.path;
  const pid = await abandonServer(directory);
  const adopted = await start(directory);
  assert.equal(adopted.pid, pid);
  assert.ok(adopted.adopted);
  await query(adopted, 'create table kept as select 1 as answer');
  await adopted.stop();
  assert.ok(!(await isPostmasterOf(pid, path.join(directory, 'data'))));
  await using next = await start(directory);
  assert.ok(!next.adopted);
  assert.deepEqual(await query(next, 'select answer from kept'), [1]);
});

test('a server that was killed starts again with what was committed, though its pid may be another program now', async () => {
  await using home = await usedDirectory();
  const directory = home.path;
  const data = path.join(directory, 'data');
  const killed = await start(directory);
  await query(killed, 'create table kept as select 7 as answer');
  process.kill(killed.pid, 'SIGKILL');
  await killed.stop();
  const pidFile = path.join(data, 'postmaster.pid');
  const lines = (await readFile(pidFile, 'utf8')).split('\n');
  await writeFile(pidFile, [process.pid, ...lines.slice(1)].join('\n'));
  await using again = await start(directory);
  assert.ok(!again.adopted);
  assert.deepEqual(await query(again, 'select answer from kept'), [7]);
});

test('a server whose directory was moved under it is refused by name, and goes on', async () => {
  await using home = await usedDirectory();
  await using server = await start(home.path);
  const moved = `${home.path}-moved`;
  await rename(home.path, moved);
  try {
    await assert.rejects(start(moved), {
      name: 'BuilderFault',
      message: new RegExp(`pid ${server.pid}.*started for ${home.path}/data`),
      hint: `End it with \`kill -INT ${server.pid}\` and start kiln again.`,
    });
    assert.ok(await isPostmasterOf(server.pid, path.join(moved, 'data')));
  } finally {
    await rename(moved, home.path);
  }
});

test('a server that was left and does not answer is refused by name', async () => {
  await using home = await usedDirectory();
  await using server = await start(home.path);
  process.kill(server.pid, 'SIGSTOP');
  try {
    await assert.rejects(start(home.path, { patienceMs: 1 }), {
      name: 'BuilderFault',
      message: new RegExp(`pid ${server.pid}.*timeout`),
    });
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
});

test('a server that does not heed a shutdown is ended nevertheless, and loses nothing', async () => {
  await using home = await usedDirectory();
  const server = await start(home.path);
  await query(server, 'create table kept as select 3 as answer');
  process.kill(server.pid, 'SIGSTOP');
  await server.stop();
  await using again = await start(home.path);
  assert.deepEqual(await query(again, 'select answer from kept'), [3]);
});

test('a path that is too long for a socket gets a short one, closed to others, which goes with the server', async () => {
  await using home = await temporaryDirectory();
  const directory = path.join(home.path, 'a long name'.repeat(15), 'postgres');
  await cp(await original, directory, { recursive: true });
  const server = await start(directory);
  assert.ok(Buffer.byteLength(socketPath(server.host)) <= 107);
  assert.equal((await stat(server.host)).mode & 0o777, 0o700);
  await server.stop();
  assert.ok(!existsSync(server.host));
});

test('a short socket directory that a crash left is used again', async () => {
  await using home = await temporaryDirectory();
  const directory = path.join(home.path, 'a long name'.repeat(15), 'postgres');
  await cp(await original, directory, { recursive: true });
  const killed = await start(directory);
  process.kill(killed.pid, 'SIGKILL');
  await killed.stop();
  assert.ok(existsSync(killed.host));
  const again = await start(directory);
  assert.equal(again.host, killed.host);
  await again.stop();
  assert.ok(!existsSync(killed.host));
});

test('data of another version is refused, and half-made data is made again', async () => {
  await using home = await temporaryDirectory();
  const data = path.join(home.path, 'data');
  await mkdir(data);
  await writeFile(path.join(data, 'PG_VERSION'), '12\n');
  await assert.rejects(start(home.path), { name: 'BuilderFault', message: /version 18.* version 12/, where: data });
  await rename(data, `${data}.new`);
  await using server = await start(home.path);
  assert.deepEqual(await query(server, 'select 1'), [1]);
  assert.ok(!existsSync(`${data}.new`));
});

test('on a full disk the data is not made, nothing of it stays, and the error names the cause', {
  skip: process.getuid?.() === 0 ? false : 'only root can mount a small file system',
}, async () => {
  await using home = await temporaryDirectory();
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'kiln-test', home.path]);
  assert.equal(mounted.code, 0, mounted.stderr.toString());
  try {
    await assert.rejects(start(home.path), { name: 'BuilderFault', message: /No space left on device/ });
    assert.deepEqual(await readdir(home.path), ['server.log']);
  } finally {
    await run('umount', [home.path]);
  }
});

test('a server that does not start says why', async () => {
  await using home = await usedDirectory();
  await rm(path.join(home.path, 'data', 'global', 'pg_control'));
  await assert.rejects(start(home.path), { name: 'BuilderFault', message: /did not start:\n.*pg_control/s });
});

test('an opening that is aborted leaves no server', async () => {
  await using home = await usedDirectory();
  const aborted = new AbortController();
  const starting = start(home.path, { signal: aborted.signal });
  aborted.abort(new Error('enough'));
  await assert.rejects(starting, { message: 'enough' });
  assert.ok(!existsSync(path.join(home.path, 'data', 'postmaster.pid')));
});

test('an opening that is aborted while the data is made leaves none of it', async () => {
  await using home = await temporaryDirectory();
  const aborted = new AbortController();
  const starting = start(home.path, { signal: aborted.signal });
  while (!existsSync(path.join(home.path, 'data.new'))) await setImmediate();
  aborted.abort(new Error('enough'));
  await assert.rejects(starting, { message: 'enough' });
  assert.deepEqual(await readdir(home.path), ['server.log']);
});
