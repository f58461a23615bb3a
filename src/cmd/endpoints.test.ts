import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Endpoint } from '../api/listen.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { openTestHome, type TestHome } from './command.fixture.ts';
import { UsageError } from './command.ts';
import { readConfig } from './config.ts';
import { readEndpoints } from './endpoints.ts';
import { parseArguments } from './parse-arguments.ts';
import { serve } from './serve.ts';
import { loadCertificate, ownCertificate } from './tls-certificate.ts';

const never = new AbortController().signal;

function read({ home }: TestHome, ...argv: readonly string[]): Promise<readonly Endpoint[]> {
  return readEndpoints(parseArguments('serve', serve, argv), readConfig({ KILN_HOME: home.path }, {}), never);
}

test('without options there is no other endpoint', async () => {
  await using home = await openTestHome();
  assert.deepEqual(await read(home), []);
});

test('an address beyond this machine needs TLS, or a word that it does not', async () => {
  await using home = await openTestHome();
  for (const address of ['10.0.0.5:443', '0.0.0.0:443', '[::]:443', '[fd00::1]:443']) {
    await assert.rejects(read(home, '--listen', address), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /goes beyond this machine: add --tls/);
      return true;
    });
  }
  assert.deepEqual(await read(home, '--listen', '10.0.0.5:443', '--plain-http'), [
    { place: { host: '10.0.0.5', port: 443 } },
  ]);
  assert.deepEqual(await read(home, '--listen', '[::1]:80'), [{ place: { host: '::1', port: 80 } }]);
  const [secure] = await read(home, '--listen', '10.0.0.5:443', '--tls');
  assert.ok(new X509Certificate(secure?.tls?.certificate ?? '').checkIP('10.0.0.5'));
});

test('options that do not go together are refused', async () => {
  await using home = await openTestHome();
  for (const argv of [
    ['--listen', 'kiln.example:443'],
    ['--listen', '10.0.0.5'],
    ['--listen', '10.0.0.5:99999', '--tls'],
    ['--tls', '--cert', 'file'],
    ['--cert', 'file', '--key', 'file'],
    ['--endpoint-policy', 'file'],
  ]) {
    await assert.rejects(read(home, ...argv), UsageError, argv.join(' '));
  }
});

test('the policy of an endpoint must name principals, and holds for all endpoints', async () => {
  await using home = await openTestHome();
  const file = join(home.folder, 'endpoint.json');
  const socket = join(home.folder, 'kiln.sock');
  const statement = { Effect: 'Allow', Action: 'imagebuilder:*', Resource: '*' };
  await writeFile(file, JSON.stringify({ Statement: statement }));
  await assert.rejects(read(home, '--socket', socket, '--endpoint-policy', file), InvalidDocumentError);
  await writeFile(file, JSON.stringify({ Statement: { ...statement, Principal: '*' } }));
  const endpoints = await read(home, '--socket', socket, '--listen', '127.0.0.1:0', '--endpoint-policy', file);
  assert.deepEqual(
    endpoints.map(({ place, policy }) => [place, policy?.statements.length]),
    [
      [{ host: '127.0.0.1', port: 0 }, 1],
      [{ socketPath: socket }, 1],
    ],
  );
});

test('Kiln makes a certificate once, for its owner only, and another one for another name', async () => {
  await using home = await openTestHome();
  const folder = join(home.folder, 'tls');
  const first = await ownCertificate(folder, [], never);
  assert.equal((await stat(join(folder, 'key.pem'))).mode & 0o777, 0o600);
  assert.deepEqual(await ownCertificate(folder, [], never), first);
  const certificate = new X509Certificate(first.certificate);
  for (const address of ['127.0.0.1', '::1']) assert.ok(certificate.checkIP(address), address);
  assert.ok(certificate.checkHost('localhost'));
  assert.equal(certificate.checkIP('10.0.0.5'), undefined);
  const second = await ownCertificate(folder, ['10.0.0.5'], never);
  assert.notEqual(second.certificate, first.certificate);
  assert.ok(new X509Certificate(second.certificate).checkIP('10.0.0.5'));
});

test('a certificate that cannot be used is refused, with the reason', async () => {
  await using home = await openTestHome();
  const [one, other] = [join(home.folder, 'one'), join(home.folder, 'other')];
  await ownCertificate(one, [], never);
  await ownCertificate(other, [], never);
  await copyFile(join(other, 'key.pem'), join(one, 'key.pem'));
  const load = () => loadCertificate(join(one, 'certificate.pem'), join(one, 'key.pem'));
  await assert.rejects(load(), /the key belongs to another certificate/);
  assert.ok((await ownCertificate(one, [], never)).key.length > 0, 'its own it mends');
  await writeFile(join(one, 'certificate.pem'), 'no certificate');
  await assert.rejects(load(), /The certificate cannot be used/);
});
