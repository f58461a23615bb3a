import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { connectInFolder } from '../unix-socket.ts';
import { receiveMemory, sendMemory } from './memory-stream.ts';

const { signal } = new AbortController();

describe('the memory of a machine on its way to a file and back', () => {
  let folder = '';
  let file = '';
  // Longer than the path of a unix socket may be.
  before(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'kiln-memory-')), 'long'.repeat(40));
    await mkdir(folder);
    file = join(folder, 'memory.zst');
  });
  after(() => rm(join(folder, '..'), { recursive: true }));
  const content = Buffer.concat([randomBytes(2_000_000), Buffer.alloc(30_000_000), randomBytes(1_000_000)]);

  test('arrives whole, compressed, and readable by nobody else', async () => {
    {
      await using receiver = await receiveMemory(folder, 'socket', file);
      const socket = await connectInFolder(folder, 'socket');
      socket.end(content);
      await receiver.received;
    }
    const { size, mode } = await stat(file);
    assert.ok(size > 3_000_000 && size < 4_000_000, String(size));
    assert.equal(mode & 0o077, 0);
    assert.deepEqual(await readdir(folder), ['memory.zst']);
    assert.ok((await sent(file)).equals(content));
  });

  /** What somebody who listens gets of a file. */
  async function sent(path: string): Promise<Buffer> {
    // By a path of this process to the folder, which is short enough.
    process.chdir(folder);
    const server = createServer().listen('sink');
    await once(server, 'listening');
    const arrived = once(server, 'connection').then(([socket]) => buffer(socket));
    arrived.catch(() => {});
    try {
      await sendMemory(folder, 'sink', path, signal);
      return await arrived;
    } finally {
      server.close();
      process.chdir('/');
    }
  }

  test('is refused when a part of it is missing or another', async () => {
    const whole = await readFile(file);
    const cut = join(folder, 'cut');
    await writeFile(cut, whole.subarray(0, -1000));
    await assert.rejects(sent(cut));
    const changed = join(folder, 'changed');
    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(1_000_000) ^ 1, 1_000_000);
    await writeFile(changed, bytes);
    await assert.rejects(sent(changed));
  });

  test('nobody who sends is no reason to stay', async () => {
    const receiver = await receiveMemory(folder, 'unused', join(folder, 'none'));
    await receiver[Symbol.asyncDispose]();
    await assert.rejects(receiver.received, { name: 'AbortError' });
    assert.ok(!(await readdir(folder)).includes('unused'));
  });
});
