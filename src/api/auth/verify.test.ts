import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { apiFixture, clockAt, signedRequest } from '../api.fixture.ts';

const NOW = '2026-11-23T03:32:00.000Z';
const ENDPOINT = 'http://127.0.0.1:4000';
const TAGS_PATH = '/tags/arn%3Aaws%3Aimagebuilder%3Aeu-north-7%3A123456789012%3Acomponent%2Fc%2F1.0.0%2F1';
const at = (seconds: number) => new Date(Date.parse(NOW) + seconds * 1_000);

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Record<string, unknown>;
}

async function answerTo(request: Request): Promise<Answer> {
  await using fixture = apiFixture({
    clock: clockAt(NOW),
    operations: { ListImages: async () => ({ imageVersionList: [] }), ListTagsForResource: async () => ({ tags: {} }) },
  });
  const response = await fixture.api.fetch(request);
  assert.equal(response.headers.get('date'), 'Mon, 23 Nov 2026 03:32:00 GMT');
  return {
    status: response.status,
    type: response.headers.get('x-amzn-errortype'),
    body: (await response.json()) as Record<string, unknown>,
  };
}

const list = { method: 'POST', body: '{"owner":"Self"}', at: at(0) };

async function refused(request: Request, type: string, status: number): Promise<string> {
  const answer = await answerTo(request);
  assert.equal(answer.type, type);
  assert.equal(answer.status, status);
  return String(answer.body['message']);
}

/** The same request with something changed after it was signed. */
function changed(
  request: Request,
  change: { url?: string; method?: string; body?: string; headers?: Record<string, string> },
) {
  const headers = new Headers(request.headers);
  for (const [name, value] of new Headers(change.headers)) headers.set(name, value);
  return new Request(change.url ?? request.url, {
    method: change.method ?? request.method,
    headers,
    body: change.body ?? list.body,
  });
}

describe('a signed request', () => {
  it('is let in', async () => {
    assert.equal((await answerTo(await signedRequest(`${ENDPOINT}/ListImages`, list))).status, 200);
  });

  it('is let in with an encoded ARN in its path', async () => {
    assert.equal((await answerTo(await signedRequest(ENDPOINT + TAGS_PATH, { at: at(0) }))).status, 200);
  });

  it('is let in with the hash of its body in a signed header', async () => {
    const headers = { 'x-amz-content-sha256': createHash('sha256').update(list.body).digest('hex') };
    assert.equal((await answerTo(await signedRequest(`${ENDPOINT}/ListImages`, { ...list, headers }))).status, 200);
  });

  it('is let in within 15 minutes of our time and not outside', async () => {
    for (const seconds of [-900, 900]) {
      const request = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, at: at(seconds) });
      assert.equal((await answerTo(request)).status, 200);
    }
    const early = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, at: at(901) });
    assert.match(await refused(early, 'InvalidSignatureException', 403), /not yet current/);
    const late = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, at: at(-901) });
    assert.match(await refused(late, 'InvalidSignatureException', 403), /Signature expired: 20261123T031659Z/);
  });

  it('is refused when anything in it was changed', async () => {
    const request = await signedRequest(`${ENDPOINT}/ListImages`, list);
    const authorization = request.headers.get('authorization') ?? '';
    const otherDigit = authorization.endsWith('0') ? '1' : '0';
    const changes = {
      body: { body: '{"owner":"Amazon"}' },
      path: { url: `${ENDPOINT}/ListComponents` },
      query: { url: `${ENDPOINT}/ListImages?owner=Amazon` },
      method: { method: 'PUT' },
      host: { headers: { host: 'elsewhere' } },
      time: { headers: { 'x-amz-date': '20261123T033201Z' } },
      signature: { headers: { authorization: authorization.slice(0, -1) + otherDigit } },
    };
    for (const [what, change] of Object.entries(changes)) {
      const answer = await answerTo(changed(request, change));
      assert.equal(answer.type, 'InvalidSignatureException', what);
      assert.equal(answer.status, 403, what);
    }
  });

  it('is refused when a header that has a meaning is not signed', async () => {
    const request = await signedRequest(`${ENDPOINT}/ListImages`, list);
    const unsigned = changed(request, { headers: { 'x-amz-content-sha256': '0'.repeat(64) } });
    assert.match(await refused(unsigned, 'InvalidSignatureException', 403), /must be signed: x-amz-content-sha256/);
  });

  it('is refused when it does not sign its body', async () => {
    const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
    const request = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, headers });
    assert.match(await refused(request, 'InvalidSignatureException', 403), /does not match the body/);
  });

  it('is refused when another secret signed it', async () => {
    const request = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, secretAccessKey: 'guessed' });
    assert.match(await refused(request, 'InvalidSignatureException', 403), /does not match the signature you provided/);
  });

  it('is refused when we do not know the access key', async () => {
    const request = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, accessKeyId: 'AKIASTRANGER' });
    await refused(request, 'UnrecognizedClientException', 403);
  });

  it('is refused with a session token, which we never gave out', async () => {
    const request = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, sessionToken: 'token' });
    await refused(request, 'UnrecognizedClientException', 403);
  });

  it('is refused when it was signed for another Region or service', async () => {
    const region = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, region: 'us-east-1' });
    assert.match(await refused(region, 'InvalidSignatureException', 403), /valid region: this is 'eu-north-7'/);
    const service = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, service: 'ec2' });
    assert.match(await refused(service, 'InvalidSignatureException', 403), /correct service: 'imagebuilder'/);
  });
});

describe('a presigned URL', () => {
  const presigned = { ...list, presignSeconds: 60 };

  it('is let in until it expires', async () => {
    for (const seconds of [0, -60]) {
      const request = await signedRequest(`${ENDPOINT}/ListImages`, { ...presigned, at: at(seconds) });
      assert.ok(request.url.includes('X-Amz-Signature='));
      assert.equal((await answerTo(request)).status, 200);
    }
    const late = await signedRequest(`${ENDPOINT}/ListImages`, { ...presigned, at: at(-61) });
    await refused(late, 'RequestExpired', 400);
  });

  it('is let in with a query of its own', async () => {
    const query = 'imageBuildVersionArn=arn%3Aaws%3Aimagebuilder%3Aeu-north-7%3A1%3Aimage%2Fi%2F1.0.0%2F1';
    const request = await signedRequest(`${ENDPOINT}/kiln/v1/follow?${query}`, { at: at(0), presignSeconds: 60 });
    await using fixture = apiFixture({ clock: clockAt(NOW) });
    assert.equal((await fixture.api.fetch(request)).status, 200);
  });

  it('is refused when it was changed or asks for too long', async () => {
    const request = await signedRequest(`${ENDPOINT}/ListImages`, presigned);
    await refused(changed(request, { body: '{}' }), 'InvalidSignatureException', 403);
    const longer = request.url.replace('X-Amz-Expires=60', 'X-Amz-Expires=600');
    await refused(changed(request, { url: longer }), 'InvalidSignatureException', 403);
    const tooLong = request.url.replace('X-Amz-Expires=60', 'X-Amz-Expires=604801');
    await refused(changed(request, { url: tooLong }), 'IncompleteSignatureException', 400);
  });
});

describe('a wrong signature', () => {
  const wrong = (right: string) => {
    const otherThan = (digit: string | undefined): string => (digit === '0' ? '1' : '0');
    return {
      first: otherThan(right[0]) + right.slice(1),
      last: right.slice(0, -1) + otherThan(right.at(-1)),
      all: [...right].map(otherThan).join(''),
    };
  };
  const otherLength = (right: string): readonly string[] => ['', right.slice(0, -1), `${right}0`, right + right];

  it('of the right length is refused, wherever it differs', async () => {
    const request = await signedRequest(`${ENDPOINT}/ListImages`, list);
    const authorization = request.headers.get('authorization') ?? '';
    for (const signature of Object.values(wrong(authorization.slice(-64)))) {
      const headers = { authorization: authorization.slice(0, -64) + signature };
      await refused(changed(request, { headers }), 'InvalidSignatureException', 403);
    }
    const presigned = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, presignSeconds: 60 });
    const right = new URL(presigned.url).searchParams.get('X-Amz-Signature') ?? '';
    for (const signature of Object.values(wrong(right))) {
      const url = presigned.url.replace(right, signature);
      await refused(changed(presigned, { url }), 'InvalidSignatureException', 403);
    }
  });

  it('of another length, or of other characters, is refused', async () => {
    const request = await signedRequest(`${ENDPOINT}/ListImages`, list);
    const authorization = request.headers.get('authorization') ?? '';
    const right = authorization.slice(-64);
    for (const signature of [...otherLength(right), right.toUpperCase().replace(/^./, 'F'), 'é'.repeat(64)]) {
      const headers = { authorization: authorization.slice(0, -64) + signature };
      await refused(changed(request, { headers }), 'IncompleteSignatureException', 400);
    }
    const presigned = await signedRequest(`${ENDPOINT}/ListImages`, { ...list, presignSeconds: 60 });
    const own = new URL(presigned.url).searchParams.get('X-Amz-Signature') ?? '';
    for (const signature of [...otherLength(own), encodeURIComponent('€'.repeat(64))]) {
      const url = presigned.url.replace(own, signature);
      await refused(changed(presigned, { url }), 'IncompleteSignatureException', 400);
    }
  });
});

describe('a request without a readable signature', () => {
  it('is refused as unsigned when it has none', async () => {
    await refused(new Request(`${ENDPOINT}/ListImages`), 'MissingAuthenticationTokenException', 403);
    await refused(new Request(`${ENDPOINT}/kiln/v1/service`), 'MissingAuthenticationTokenException', 403);
    await refused(new Request(`${ENDPOINT}/no/such/path`), 'MissingAuthenticationTokenException', 403);
  });

  it('is refused as incomplete when a part is missing or misshapen', async () => {
    const { headers } = await signedRequest(`${ENDPOINT}/ListImages`, { at: at(0) });
    const good = headers.get('authorization') ?? '';
    const bad: Record<string, string>[] = [
      { authorization: 'Basic a2lsbjpraWxu' },
      { authorization: 'AWS4-HMAC-SHA256' },
      { authorization: good.replace(/Signature=.*/, 'Signature=xyz') },
      { authorization: good.replace('/aws4_request', '') },
      { authorization: good.replace(/SignedHeaders=[^,]+/, 'SignedHeaders=') },
      { 'x-amz-date': 'yesterday' },
      { 'x-amz-date': '20261399T999999Z' },
    ];
    for (const change of bad) {
      const request = new Request(`${ENDPOINT}/ListImages`, { headers: { ...Object.fromEntries(headers), ...change } });
      await refused(request, 'IncompleteSignatureException', 400);
    }
  });

  it('is refused when it signs headers that are not there', async () => {
    const { headers } = await signedRequest(`${ENDPOINT}/ListImages`, { at: at(0) });
    for (const name of ['x-other', '__proto__', 'not a header']) {
      const authorization = (headers.get('authorization') ?? '').replace('host;', `host;${name};`);
      const request = new Request(`${ENDPOINT}/ListImages`, {
        headers: { ...Object.fromEntries(headers), authorization },
      });
      await refused(request, 'InvalidSignatureException', 403);
    }
  });

  it('is refused when its query has names that objects have', async () => {
    const request = await signedRequest(`${ENDPOINT}/ListImages`, { at: at(0) });
    const url = `${request.url}?__proto__=1&constructor=2`;
    await refused(new Request(url, { headers: request.headers }), 'InvalidSignatureException', 403);
  });
});
