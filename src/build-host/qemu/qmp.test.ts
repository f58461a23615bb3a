import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
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

test('a QEMU that hangs is given up, and whoever waits is told what for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-qmp-'));
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.write('{"QMP": {}}\n');
    // It says hello, and after that nothing any more.
    socket.once('data', () => socket.write('{"return": {}, "id": 1}\n'));
  }).listen(join(folder, 'qmp.sock'));
  await once(server, 'listening');
  const qmp = await connectQmp(folder, 'qmp.sock', () => {}, never, 50);
  await assert.rejects(qmp.execute('stop'), /QEMU has not answered to stop within 0\.05 s/);
  await qmp.closed;
  for (const socket of sockets) socket.destroy();
  server.close();
  await rm(folder, { recursive: true });
});
