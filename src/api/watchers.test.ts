import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiFixture, CREDENTIAL, signedRequest } from './api.fixture.ts';

const FAR = { address: '10.1.2.3', tls: true, endpointPolicy: undefined };
const URL_ = 'http://127.0.0.1:4000';

describe('whoever watches the service', () => {
  it('asks for its health without a signature on this machine, and with one from elsewhere', async () => {
    let ready = true;
    await using fixture = apiFixture({ isReady: async () => ready });
    const health = async (what: string, peer?: typeof FAR) =>
      (await fixture.api.fetch(new Request(`${URL_}/kiln/v1/health/${what}`), peer)).status;
    assert.deepEqual([await health('live'), await health('ready')], [200, 200]);
    ready = false;
    assert.deepEqual([await health('live'), await health('ready')], [200, 503]);
    assert.deepEqual([await health('live', FAR), await health('ready', FAR)], [403, 403]);
    const signed = await signedRequest(`${URL_}/kiln/v1/health/live`);
    assert.equal((await fixture.api.fetch(signed, FAR)).status, 200);
    assert.equal(await health('other'), 403);
  });

  it('is told that it is not ready when the question itself fails', async () => {
    await using fixture = apiFixture({
      isReady: async () => {
        throw new Error('the database is away');
      },
    });
    const answer = await fixture.api.fetch(new Request(`${URL_}/kiln/v1/health/ready`));
    assert.equal(answer.status, 503);
    assert.equal(await answer.text(), '{"status":"unavailable"}');
  });

  it('reads metrics of requests by operation and code, and of builds', async () => {
    await using fixture = apiFixture({
      operations: { ListImages: async () => ({}) },
      readGauges: async () => ({ images: new Map([['BUILDING', 2]]), queued: 3 }),
    });
    await fixture.api.fetch(await signedRequest(`${URL_}/ListImages`, { method: 'POST', body: '{}' }));
    await fixture.api.fetch(await signedRequest(`${URL_}/GetImage?imageBuildVersionArn=x`));
    await fixture.api.fetch(new Request(`${URL_}/no/such/path`));
    const answer = await fixture.api.fetch(new Request(`${URL_}/kiln/v1/metrics`));
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    for (const line of [
      'kiln_api_requests_total{operation="ListImages",code="OK"} 1',
      'kiln_api_requests_total{operation="GetImage",code="InvalidRequestException"} 1',
      'kiln_api_requests_total{operation="Unknown",code="MissingAuthenticationTokenException"} 1',
      'kiln_api_request_duration_seconds_count{operation="ListImages"} 1',
      'kiln_images{status="BUILDING"} 2',
      'kiln_build_queue_length 3',
    ]) {
      assert.ok(text.includes(`${line}\n`), line);
    }
    assert.equal((await fixture.api.fetch(new Request(`${URL_}/kiln/v1/metrics`), FAR)).status, 403);
    const signed = await signedRequest(`${URL_}/kiln/v1/metrics`);
    assert.equal((await fixture.api.fetch(signed, FAR)).status, 200);
  });

  it('finds in the log what was asked and by whom, and no secret', async () => {
    await using fixture = apiFixture({
      operations: {
        ListImages: async () => {
          throw new Error('unexpected');
        },
      },
    });
    const { url } = await fixture.listen();
    const body = '{"owner":"Self"}';
    const sent = await signedRequest(`${url}/ListImages`, { method: 'POST', body, sessionToken: 'a-session-token' });
    await fixture.api.fetch(sent);
    const presigned = await signedRequest(`${url}/ListImages`, { method: 'POST', body, presignSeconds: 60 });
    await fixture.api.fetch(presigned);
    await fixture.api.fetch(await signedRequest(`${url}/ListImages`, { method: 'POST', body }));
    const text = JSON.stringify(fixture.log, (_key, value) =>
      value instanceof Error ? { ...value, text: value.message, stack: value.stack } : value,
    );
    assert.ok(text.includes('"operation":"ListImages"'));
    assert.ok(text.includes('"principal":"arn:aws:iam::123456789012:root"'));
    const signature = /Signature=([0-9a-f]{64})/.exec(sent.headers.get('authorization') ?? '')?.[1];
    const inUrl = new URL(presigned.url).searchParams.get('X-Amz-Signature');
    for (const secret of [
      CREDENTIAL.secretAccessKey,
      'a-session-token',
      signature,
      inUrl,
      'uthorization',
      'AWS4-HMAC',
    ]) {
      assert.ok(secret && !text.includes(secret), String(secret));
      assert.ok(!JSON.stringify(fixture.trail).includes(secret), String(secret));
    }
  });
});
