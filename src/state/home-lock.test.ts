import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findOwner, lockHome, lockHomeOrFindService } from './home-lock.ts';
import { startProcess } from './test-process.ts';

const LOCK = { '{ lockHome }': new URL('./home-lock.ts', import.meta.url) };

async function temporaryHome(): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'kiln-home-'));
  return { path: directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

/** Takes the lock, prints whether it got it, and lives until its standard input ends. */
function locker(home: string, url?: string) {
  const publish = url === undefined ? '' : `if (result.acquired) await result.lock.publish({ url: '${url}' });`;
  return startProcess(
    LOCK,
    `const result = await lockHome(${JSON.stringify(home)}); ${publish}
     console.log(result.acquired ? 'acquired' : JSON.stringify(result.owner ?? null));
     process.stdin.resume();`,
  );
}

test('a home is locked once, and again after it was released', async () => {
  await using home = await temporaryHome();
  const first = await lockHome(path.join(home.path, 'new'));
  assert.ok(first.acquired);
  const second = await lockHome(path.join(home.path, 'new'));
  assert.deepEqual(second, { acquired: false, owner: { pid: process.pid, url: undefined } });
  await first.lock.release();
  await first.lock.release();
  assert.equal(await findOwner(path.join(home.path, 'new')), undefined);
  const third = await lockHome(path.join(home.path, 'new'));
  assert.ok(third.acquired);
  await third.lock.release();
});

test('another process is told the pid and the URL of the owner', async () => {
  await using home = await temporaryHome();
  await using owner = locker(home.path, 'http://127.0.0.1:4000');
  assert.equal(await owner.line(), 'acquired');
  const { pid } = owner.child;
  const expected = { pid, url: 'http://127.0.0.1:4000' };
  assert.deepEqual(await lockHome(home.path), { acquired: false, owner: expected });
  assert.deepEqual(await findOwner(home.path), expected);
  assert.equal((await stat(path.join(home.path, 'service.json'))).mode & 0o777, 0o600);
});

test('the lock of a killed owner is free at once, and what it published is not believed', async () => {
  await using home = await temporaryHome();
  await using owner = locker(home.path, 'http://127.0.0.1:4000');
  assert.equal(await owner.line(), 'acquired');
  await owner.kill();
  assert.ok(existsSync(path.join(home.path, 'service.json')));
  assert.equal(await findOwner(home.path), undefined);
  const next = await lockHome(home.path);
  assert.ok(next.acquired);
  assert.ok(!existsSync(path.join(home.path, 'service.json')));
  assert.deepEqual(await findOwner(home.path), { pid: process.pid, url: undefined });
  await next.lock.release();
});

test('of many processes that want a home at once exactly one gets it', async () => {
  await using home = await temporaryHome();
  const processes = Array.from({ length: 6 }, () => locker(home.path));
  try {
    const answers = await Promise.all(processes.map((process) => process.line()));
    assert.equal(answers.filter((answer) => answer === 'acquired').length, 1);
  } finally {
    await Promise.all(processes.map((process) => process.kill()));
  }
});

test('a process that the owner starts does not keep the lock when the owner dies', async () => {
  await using home = await temporaryHome();
  await using owner = startProcess(
    { ...LOCK, '{ spawn }': new URL('node:child_process') },
    `await lockHome(${JSON.stringify(home.path)});
     const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
     console.log(child.pid); process.stdin.resume();`,
  );
  const sleeper = Number(await owner.line());
  try {
    await owner.kill();
    const next = await lockHome(home.path);
    assert.ok(next.acquired);
    await next.lock.release();
  } finally {
    process.kill(sleeper, 'SIGKILL');
  }
});

test('who waits for the service gets its URL when it is published, or the lock when the owner gives up', async () => {
  await using home = await temporaryHome();
  const owner = await lockHome(home.path);
  assert.ok(owner.acquired);
  const waiting = lockHomeOrFindService(home.path, AbortSignal.timeout(30_000));
  await owner.lock.publish({ url: 'http://127.0.0.1:4001' });
  assert.deepEqual(await waiting, { acquired: false, service: { pid: process.pid, url: 'http://127.0.0.1:4001' } });

  const stopping = new AbortController();
  await owner.lock.release();
  const again = await lockHome(home.path);
  assert.ok(again.acquired);
  const aborted = lockHomeOrFindService(home.path, stopping.signal);
  stopping.abort(new Error('enough'));
  await assert.rejects(aborted);
  const patient = lockHomeOrFindService(home.path, AbortSignal.timeout(30_000));
  await again.lock.release();
  const last = await patient;
  assert.ok(last.acquired);
  await last.lock.release();
});

test('a damaged lock file is no owner and keeps nobody out', async () => {
  await using home = await temporaryHome();
  await writeFile(path.join(home.path, 'lock'), '{"pid": 1, "startTime"');
  assert.equal(await findOwner(home.path), undefined);
  const result = await lockHome(home.path);
  assert.ok(result.acquired);
  await result.lock.release();
});
