import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { apiFixture, LOOPBACK, signedRequest } from './api.fixture.ts';
import { portOf, testCertificate, untilClosed } from './sockets.fixture.ts';

const URL_ = 'http://127.0.0.1:4000';
const ARN = 'arn:aws:imagebuilder:eu-north-7:123456789012:image/web/1.0.0/1';

describe('clients that are slow, or many', () => {
  const limits = { headersMs: 200, requestMs: 400, idleMs: 400, keepAliveMs: 200 };

  it('are cut off when they do not send their headers', async () => {
    await using fixture = apiFixture();
    const listening = await fixture.api.listen({ ...LOOPBACK, limits });
    const socket = connect(portOf(listening.url), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    assert.match(await untilClosed(socket), /^HTTP\/1\.1 408 /);
    await listening.close();
  });

  it('are cut off when they do not send their body', async () => {
    await using fixture = apiFixture();
    const listening = await fixture.api.listen({ ...LOOPBACK, limits });
    const { headers } = await signedRequest(`${listening.url}/ListImages`, { method: 'POST', body: '{}' });
    const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const socket = connect(portOf(listening.url), '127.0.0.1');
    socket.write(`POST /ListImages HTTP/1.1\r\n${lines}content-length: 2\r\n\r\n{`);
    await untilClosed(socket);
    await listening.close();
  });

  it('are cut off when they do not read', async () => {
    const line = { kind: 'log', at: '', step: '', source: '', message: 'x'.repeat(100_000) } as const;
    const ended = Promise.withResolvers<void>();
    const follow = async function* () {
      try {
        for (;;) yield line as never;
      } finally {
        ended.resolve();
      }
    };
    await using fixture = apiFixture({ kiln: { service: {} as never, follow } });
    const listening = await fixture.api.listen({ ...LOOPBACK, limits });
    const path = `/kiln/v1/follow?imageBuildVersionArn=${encodeURIComponent(ARN)}`;
    const { headers } = await signedRequest(listening.url + path);
    const request = httpRequest(listening.url + path, { headers: Object.fromEntries(headers), agent: false });
    request.on('error', () => {});
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    response.pause();
    await ended.promise;
    response.destroy();
    await listening.close();
  });

  it('are cut off when they do not finish their TLS handshake', async () => {
    const tls = await testCertificate();
    await using fixture = apiFixture();
    const listening = await fixture.api.listen({ ...LOOPBACK, tls, limits });
    const silent = connect(portOf(listening.url), '127.0.0.1');
    assert.equal(await untilClosed(silent), '');
    await listening.close();
  });

  it('do not hold up the end by a TLS handshake', async () => {
    const tls = await testCertificate();
    await using fixture = apiFixture();
    const patient = { headersMs: 3_600_000, requestMs: 3_600_000 };
    const listening = await fixture.api.listen({ ...LOOPBACK, tls, limits: patient });
    const silent = connect(portOf(listening.url), '127.0.0.1');
    await once(silent, 'connect');
    const closed = untilClosed(silent);
    await listening.close();
    await closed;
  });

  it('are turned away beyond the number of connections', async () => {
    await using fixture = apiFixture();
    const listening = await fixture.api.listen({ ...LOOPBACK, limits: { connections: 2 } });
    const sockets = [0, 1].map(() => connect(portOf(listening.url), '127.0.0.1'));
    for (const socket of sockets) {
      socket.write('GET /kiln/v1/health/live HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'data');
    }
    const one = connect(portOf(listening.url), '127.0.0.1');
    assert.equal(await untilClosed(one), '');
    for (const socket of sockets) socket.destroy();
    await listening.close();
  });

  it('are refused beyond the number of those that follow builds, until one ends', async () => {
    const follow = async function* (_arn: string, { signal }: { signal: AbortSignal }) {
      yield { kind: 'end', status: 'BUILDING' } as const;
      await once(signal, 'abort');
    };
    await using fixture = apiFixture({ kiln: { service: {} as never, follow }, maxFollowStreams: 1 });
    const path = `${URL_}/kiln/v1/follow?imageBuildVersionArn=${encodeURIComponent(ARN)}`;
    const first = await fixture.api.fetch(await signedRequest(path));
    const reader = first.body?.getReader();
    await reader?.read();
    const second = await fixture.api.fetch(await signedRequest(path));
    assert.deepEqual([second.status, second.headers.get('x-amzn-errortype')], [429, 'TooManyRequestsException']);
    assert.equal(second.headers.get('retry-after'), '5');
    await reader?.cancel();
    let third = await fixture.api.fetch(await signedRequest(path));
    // The first one lets go when its generator next runs.
    while (third.status === 429) third = await fixture.api.fetch(await signedRequest(path));
    assert.equal(third.status, 200);
    await third.body?.cancel();
  });
});
