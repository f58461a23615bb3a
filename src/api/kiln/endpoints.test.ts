import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { AwsError } from '../../contract/errors.ts';
import type { FollowImageBuild, FollowLine } from '../../contract/follow.ts';
import { type ApiFixture, apiFixture, CREDENTIAL, REGION, signedRequest } from '../api.fixture.ts';

const ARN = 'arn:aws:imagebuilder:eu-north-7:123456789012:image/i/1.0.0/1';
const line = (message: string): FollowLine => ({
  kind: 'log',
  at: '2026-11-23T03:32:00.000Z',
  source: 'kiln',
  message,
});
const END: FollowLine = { kind: 'end', status: 'AVAILABLE' };
const SERVICE = { version: '0.1.0', accountId: CREDENTIAL.accountId, region: REGION, pid: 1, home: '/tmp/kiln-test' };

const fixtureWith = (follow: FollowImageBuild): ApiFixture => apiFixture({ kiln: { service: SERVICE, follow } });

/** A signed GET on a socket of its own, so that a test can read slowly or go away. */
async function open(fixture: ApiFixture, query: Record<string, string>): Promise<IncomingMessage> {
  const { url } = await fixture.listen();
  const signed = await signedRequest(`${url}/kiln/v1/follow?${new URLSearchParams(query)}`);
  const request = get(signed.url, { headers: Object.fromEntries(signed.headers), agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function text(response: IncomingMessage): Promise<string> {
  let all = '';
  for await (const chunk of response) all += chunk;
  return all;
}

describe('GET /kiln/v1/service', () => {
  it('tells which service this is', async () => {
    await using fixture = apiFixture();
    const response = await fixture.api.fetch(await signedRequest('http://kiln.test/kiln/v1/service'));
    assert.deepEqual(await response.json(), SERVICE);
  });
});

describe('GET /kiln/v1/follow', () => {
  it('answers a line of JSON for each thing that is told', async () => {
    const asked: unknown[] = [];
    await using fixture = fixtureWith(async function* (arn, { follow }) {
      asked.push({ arn, follow });
      yield line('a\nb');
      yield END;
    });
    const response = await open(fixture, { imageBuildVersionArn: ARN, follow: 'true' });
    assert.equal(response.headers['content-type'], 'application/x-ndjson');
    assert.equal(await text(response), `${JSON.stringify(line('a\nb'))}\n${JSON.stringify(END)}\n`);
    await text(await open(fixture, { imageBuildVersionArn: ARN }));
    assert.deepEqual(asked, [
      { arn: ARN, follow: true },
      { arn: ARN, follow: false },
    ]);
  });

  it('answers an error up to the first line as an error', async () => {
    // biome-ignore lint/correctness/useYield: it fails before its first line, which is the case under test.
    await using fixture = fixtureWith(async function* () {
      throw new AwsError('ResourceNotFoundException', 'There is no such image.');
    });
    const response = await open(fixture, { imageBuildVersionArn: ARN });
    assert.equal(response.statusCode, 404);
    assert.equal(response.headers['x-amzn-errortype'], 'ResourceNotFoundException');
    assert.deepEqual(JSON.parse(await text(response)), { message: 'There is no such image.' });
  });

  it('breaks the connection off at a later error, which goes to the log', async () => {
    await using fixture = fixtureWith(async function* () {
      yield line('one');
      throw new Error('the database went away');
    });
    const response = await open(fixture, { imageBuildVersionArn: ARN });
    await assert.rejects(text(response), { code: 'ECONNRESET' });
    assert.match(String(fixture.log.find(({ level }) => level === 'error')?.fields['err']), /database went away/);
  });

  it('ends the generator when the reader goes away', async () => {
    const ended = Promise.withResolvers<string>();
    await using fixture = fixtureWith(async function* (_arn, { signal }) {
      try {
        yield line('one');
        await once(signal, 'abort');
      } finally {
        ended.resolve('released');
      }
    });
    const response = await open(fixture, { imageBuildVersionArn: ARN, follow: 'true' });
    await once(response, 'data');
    response.destroy();
    assert.equal(await ended.promise, 'released');
  });

  it('makes lines no faster than they are read', async () => {
    let made = 0;
    const big = 'x'.repeat(64 * 1024);
    await using fixture = fixtureWith(async function* () {
      for (; made < 2_000; made++) yield line(big);
      yield END;
    });
    const response = await open(fixture, { imageBuildVersionArn: ARN });
    response.pause();
    // The sockets' buffers fill up; when nothing more is made between two looks, they are full.
    for (let before = -1; before !== made; ) {
      before = made;
      for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(made < 1_000, `${made} lines of 64 KiB were made for a reader who reads none`);
    const lines = (await text(response)).trimEnd().split('\n');
    assert.equal(lines.length, 2_001);
    assert.equal(lines.at(-1), JSON.stringify(END));
  });

  it('is refused without an ARN and with a follow that is neither true nor false', async () => {
    await using fixture = apiFixture();
    for (const query of [{}, { imageBuildVersionArn: ARN, follow: 'yes' }]) {
      const response = await open(fixture, query as Record<string, string>);
      assert.equal(response.statusCode, 400);
      assert.equal(response.headers['x-amzn-errortype'], 'InvalidParameterValueException');
      response.resume();
    }
  });
});
