import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ListImagesCommand } from '@aws-sdk/client-imagebuilder';
import { parsePolicy } from '../iam/parse-policy.ts';
import { BuilderFault } from '../util/faults.ts';
import { apiFixture, LOOPBACK, signedRequest } from './api.fixture.ts';
import type { Endpoint } from './listen.ts';
import { portOf, testCertificate, untilClosed } from './sockets.fixture.ts';

const ARN = 'arn:aws:imagebuilder:eu-north-7:123456789012:image/web/1.0.0/1';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-endpoint-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** The status of the health of a service behind a Unix socket. */
async function health(socketPath: string): Promise<number | undefined> {
  const request = httpRequest({ agent: false, socketPath, path: '/kiln/v1/health/live' });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

describe('an endpoint', () => {
  const only = { Effect: 'Allow', Principal: '*', Action: 'imagebuilder:List*', Resource: '*' };
  const policy = () => parsePolicy(JSON.stringify({ Statement: only }), 'endpoint.json', 'endpoint');

  it('speaks HTTPS with a certificate, and has a policy of its own', async () => {
    await using fixture = apiFixture({
      operations: { ListImages: async () => ({}), GetImage: async () => ({}) },
    });
    const keys = await testCertificate();
    const inside = await fixture.client();
    const endpoint: Endpoint = { ...LOOPBACK, tls: keys, policy: policy() };
    const listening = await fixture.api.listen(endpoint);
    assert.match(listening.url, /^https:\/\/127\.0\.0\.1:\d+$/);
    const send = async (path: string, method: string, body?: string) => {
      const signed = await signedRequest(listening.url + path, { method, ...(body === undefined ? {} : { body }) });
      const request = httpsRequest(listening.url + path, {
        method,
        headers: Object.fromEntries(signed.headers),
        ca: keys.certificate,
        agent: false,
      });
      request.end(body);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      return response.statusCode;
    };
    assert.equal(await send('/ListImages', 'POST', '{}'), 200);
    assert.equal(await send(`/GetImage?imageBuildVersionArn=${encodeURIComponent(ARN)}`, 'GET'), 403);
    await inside.send(new ListImagesCommand({}));
    const old = connectTls({
      port: portOf(listening.url),
      host: '127.0.0.1',
      maxVersion: 'TLSv1.1',
      rejectUnauthorized: false,
    });
    await assert.rejects(once(old, 'secureConnect'));
    const plain = connect(portOf(listening.url), '127.0.0.1');
    plain.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.ok(!(await untilClosed(plain)).startsWith('HTTP/1.1 2'));
    await listening.close();
  });

  it('may be a Unix socket for its owner only, which is gone afterwards', async () => {
    await using fixture = apiFixture();
    const socketPath = join(folder, 'kiln.sock');
    const listening = await fixture.api.listen({ place: { socketPath } });
    assert.equal(listening.url, `unix:${socketPath}`);
    assert.equal((await stat(socketPath)).mode & 0o777, 0o600);
    assert.equal(await health(socketPath), 200);
    await assert.rejects(apiFixture().api.listen({ place: { socketPath } }), (error) => {
      assert.ok(error instanceof BuilderFault);
      assert.match(error.message, /Another program listens/);
      return true;
    });
    await listening.close();
    await assert.rejects(stat(socketPath), /ENOENT/);
  });

  it('takes the place of a socket that nobody answers on any more, and of nothing else', async () => {
    await using fixture = apiFixture();
    const socketPath = join(folder, 'left.sock');
    const program = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', program]);
    assert.ok((await stat(socketPath)).isSocket());
    const listening = await fixture.api.listen({ place: { socketPath } });
    assert.equal(await health(socketPath), 200);
    await listening.close();
    const file = join(folder, 'file');
    await writeFile(file, 'precious');
    await assert.rejects(apiFixture().api.listen({ place: { socketPath: file } }), /it is no socket/);
    assert.equal(await readFile(file, 'utf8'), 'precious');
  });

  it('says why it cannot be had', async () => {
    await assert.rejects(apiFixture().api.listen({ place: { host: '192.0.2.1', port: 0 } }), (error) => {
      assert.ok(error instanceof BuilderFault);
      assert.match(error.message, /cannot listen on 192\.0\.2\.1/);
      return true;
    });
  });
});
