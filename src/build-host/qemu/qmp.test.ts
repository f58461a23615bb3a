import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connectQmp, type Qmp } from './qmp.ts';

const never = new AbortController().signal;

test('a real QEMU answers, refuses, reports events and ends, also in a folder with a long path', async () => {
  const root = await mkdtemp(join(tmpdir(), 'kiln-qmp-'));
  const folder = join(root, 'long'.repeat(50));
  await mkdir(folder);
  const child = spawn(
    'qemu-system-x86_64',
    ['-nodefaults', '-S', '-display', 'none', '-qmp', 'unix:qmp.sock,server=on,wait=off'],
    {
      cwd: folder,
      stdio: 'ignore',
    },
  );
  const exited = once(child, 'exit');
  const events: string[] = [];
  let qmp: Qmp | undefined;
  while (qmp === undefined) {
    assert.equal(child.exitCode, null);
    qmp = await connectQmp(folder, 'qmp.sock', ({ event }) => events.push(event), never).catch(() => undefined);
    if (qmp === undefined) await delay(10);
  }
  assert.deepEqual(await qmp.execute('query-status'), { status: 'prelaunch', singlestep: false, running: false });
  await assert.rejects(qmp.execute('no-such-command'), /no-such-command has not been found/);
  await assert.rejects(
    connectQmp(folder, 'qmp.sock', () => {}, AbortSignal.timeout(50)),
    { name: 'TimeoutError' },
  );
  await qmp.execute('cont');
  await qmp.execute('quit');
  await qmp.closed;
  await exited;
  assert.ok(events.includes('RESUME') && events.includes('SHUTDOWN'), events.join());
  await assert.rejects(qmp.execute('query-status'), /ended the connection/);
  await rm(root, { recursive: true });
});
