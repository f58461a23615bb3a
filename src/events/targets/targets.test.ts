import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { run } from '../../util/spawn.ts';
import { appendLine } from './append-line.ts';
import { createRunCommand } from './command.ts';
import { createPostWebhook } from './webhook.ts';

const never = new AbortController().signal;

async function openFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-targets-'));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

describe('webhooks', () => {
  it('are trusted by their certificates only', async () => {
    await using test = await openFolder();
    const [key, cert] = [join(test.folder, 'key.pem'), join(test.folder, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-subj', '/CN=localhost', '-days', '2'];
    const names = ['-addext', 'subjectAltName=DNS:localhost'];
    assert.equal((await run('openssl', [...request, ...names, '-keyout', key, '-out', cert])).code, 0);
    const certificate = await readFile(cert, 'utf8');
    const bodies: string[] = [];
    const server = createServer({ key: await readFile(key), cert: certificate }, async (incoming, response) => {
      let body = '';
      for await (const chunk of incoming) body += chunk;
      bodies.push(body);
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const post = { url: `https://localhost:${port}/`, headers: {}, body: 'hello' };
    try {
      await assert.rejects(createPostWebhook()(post, never), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      await createPostWebhook(certificate)(post, never);
      const byAddress = { ...post, url: `https://127.0.0.1:${port}/` };
      await assert.rejects(createPostWebhook(certificate)(byAddress, never), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
      assert.deepEqual(bodies, ['hello']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('that never answer are given up with the signal', async () => {
    const server = createTcpServer(() => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const giveUp = new AbortController();
    const { port } = server.address() as AddressInfo;
    const posted = createPostWebhook()({ url: `http://127.0.0.1:${port}/`, headers: {}, body: 'x' }, giveUp.signal);
    const [socket] = await connected;
    giveUp.abort();
    await assert.rejects(posted, { name: 'AbortError' });
    socket.destroy();
    server.close();
  });
});

describe('commands', () => {
  it('that hang are ended with all that they started', async () => {
    await using test = await openFolder();
    const program = join(test.folder, 'hang');
    const pids = join(test.folder, 'pids');
    await writeFile(
      program,
      `#!/bin/sh\nsleep 1000 &\necho "$$ $!" >"${pids}.new"\nmv "${pids}.new" "${pids}"\nwait\n`,
      { mode: 0o755 },
    );
    const giveUp = new AbortController();
    const ran = createRunCommand(process.env)({ command: [program], input: '', environment: {} }, giveUp.signal);
    let written = '';
    while (written === '') written = await readFile(pids, 'utf8').catch(() => '');
    giveUp.abort(new Error('it took too long'));
    await assert.rejects(ran, /it took too long/);
    const isGone = async (pid: string): Promise<boolean> =>
      /State:\t(?:gone|Z|X)/.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tgone'));
    // Its output closes on a process's way out, a moment before it is gone; one that was not ended sleeps for long.
    for (const pid of written.trim().split(' ')) while (!(await isGone(pid))) await setImmediate();
  });

  it('that fail say how, and with what', async () => {
    const runCommand = createRunCommand({ PATH: process.env['PATH'], SECRET: 'x' });
    const shell = (script: string) =>
      runCommand({ command: ['/bin/sh', '-c', script], input: 'in', environment: { A: 'b' } }, never);
    await assert.rejects(shell('echo no >&2; exit 3'), { message: 'The program /bin/sh ended with 3: no' });
    await assert.rejects(shell('kill -KILL $$'), { message: 'The program /bin/sh was ended by SIGKILL.' });
    await shell('test "$(cat)" = in && test "$A" = b && test -z "$SECRET"');
    await shell('exit 0');
    await assert.rejects(runCommand({ command: ['/no/such'], input: '', environment: {} }, never), { code: 'ENOENT' });
  });
});

describe('files of JSON lines', () => {
  it('are added to, private, and never by a link', async () => {
    await using test = await openFolder();
    const file = join(test.folder, 'events');
    await appendLine(file, '{"a":1}');
    await appendLine(file, '{"a":2}');
    assert.equal(await readFile(file, 'utf8'), '{"a":1}\n{"a":2}\n');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const link = join(test.folder, 'link');
    await symlink(file, link);
    await assert.rejects(appendLine(link, 'x'), { code: 'ELOOP' });
    await assert.rejects(appendLine(test.folder, 'x'), { code: 'EISDIR' });
    const fifo = join(test.folder, 'fifo');
    assert.equal((await run('mkfifo', [fifo])).code, 0);
    await assert.rejects(appendLine(fifo, 'x'), { code: 'ENXIO' });
  });
});
