import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface HttpProxy extends AsyncDisposable {
  readonly url: string;
  /** What it wrote about its requests. */
  readonly log: () => string;
}

/** A real proxy (tinyproxy) on loopback, which writes itself into `Via` and opens tunnels to any port. */
export async function startHttpProxy(): Promise<HttpProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-proxy-'));
  const port = await freePort();
  const settings = [`Port ${port}`, 'Listen 127.0.0.1', 'Allow 127.0.0.1', 'MaxClients 20', 'LogLevel Info'];
  await writeFile(join(folder, 'conf'), `${settings.join('\n')}\n`);
  const child = spawn('tinyproxy', ['-d', '-c', join(folder, 'conf')], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  let log = '';
  const ready = Promise.withResolvers<void>();
  const onOutput = (chunk: Buffer): void => {
    log += chunk.toString();
    if (log.includes('Accepting connections')) ready.resolve();
  };
  child.stdout.on('data', onOutput);
  child.stderr.on('data', onOutput);
  ended.then(() => ready.reject(new Error(`tinyproxy ended: ${log}`)), assert.ifError);
  await ready.promise;
  return {
    url: `http://127.0.0.1:${port}`,
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
