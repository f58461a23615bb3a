/** What tests of connections need. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsKeys } from './listen.ts';

/** Everything that the service says on a connection until it ends it. */
export async function untilClosed(socket: Socket): Promise<string> {
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk;
  });
  socket.on('error', () => {});
  if (!socket.closed) await once(socket, 'close');
  return said;
}

export function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** A certificate for 127.0.0.1 that nobody but the test trusts. */
export async function testCertificate(): Promise<TlsKeys> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-certificate-'));
  try {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const what = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-noenc',
      '-subj',
      '/CN=test',
    ];
    const files = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate];
    assert.equal(spawnSync('openssl', [...what, ...files]).status, 0);
    return { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
