/** What somebody sends who means harm, byte by byte over a connection: the right error, and nothing is done. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { type ApiFixture, apiFixture, clockAt, REGION, type SignOptions, signedRequest } from './api.fixture.ts';
import { portOf, untilClosed } from './sockets.fixture.ts';

const ARN = `arn:aws:imagebuilder:${REGION}:123456789012:component/c/1.0.0/1`;

interface Attack extends ApiFixture {
  /** The operations that were run. */
  readonly done: string[];
}

function openAttack(options: Parameters<typeof apiFixture>[0] = {}): Attack {
  const done: string[] = [];
  const note = (name: string): void => void done.push(name);
  const fixture = apiFixture({
    operations: {
      ListImages: async () => {
        note('ListImages');
        return { imageVersionList: [] };
      },
      DeleteComponent: async () => {
        note('DeleteComponent');
        return {};
      },
      CreateComponent: async ({ clientToken }) => {
        note('CreateComponent');
        return { clientToken, componentBuildVersionArn: ARN };
      },
    },
    ...options,
  });
  return { ...fixture, done };
}

/** The headers of a signed request, as they go over the wire. */
async function headersOf(url: string, options: SignOptions): Promise<string[]> {
  const { headers } = await signedRequest(url, options);
  const lines = [`host: ${new URL(url).host}`, ...[...headers].map(([name, value]) => `${name}: ${value}`)];
  return lines.filter((line, index) => lines.indexOf(line) === index && !/^content-(?:length|type):/.test(line));
}

/** Everything that the service answers to these bytes. */
async function send(url: string, bytes: string): Promise<string> {
  const socket = connect(portOf(url), '127.0.0.1');
  const answers = untilClosed(socket);
  socket.end(bytes);
  return answers;
}

const statusesOf = (answers: string): number[] =>
  [...answers.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));

function checkRefused(answers: string, { log }: Attack): void {
  const statuses = statusesOf(answers);
  assert.ok(statuses.length > 0, answers);
  for (const status of statuses) assert.ok(status >= 400 && status < 500, answers);
  assert.doesNotMatch(answers, /\.ts:|at [A-Z]/);
  assert.deepEqual(
    log.filter(({ level }) => level === 'error'),
    [],
  );
}

describe('header smuggling', () => {
  const body = '{}';
  const smuggled = 'DELETE /DeleteComponent?componentBuildVersionArn=x HTTP/1.1\r\nhost: x\r\n\r\n';
  const chunked = `2\r\n${body}\r\n0\r\n\r\n`;
  const cases: Record<string, { readonly headers: readonly string[]; readonly body: string }> = {
    'a length and chunks': { headers: ['content-length: 2', 'transfer-encoding: chunked'], body: chunked },
    'chunks and a length': { headers: ['transfer-encoding: chunked', 'content-length: 2'], body: chunked },
    'two lengths': { headers: ['content-length: 2', `content-length: ${2 + smuggled.length}`], body },
    'a length of several numbers': { headers: ['content-length: 2, 2'], body },
    'a negative length': { headers: ['content-length: -2'], body },
    'a length with a sign': { headers: ['content-length: +2'], body },
    'an encoding that is none': { headers: ['transfer-encoding: xchunked'], body: chunked },
    'an encoding after chunks': { headers: ['transfer-encoding: chunked, identity'], body: chunked },
    'a blank before the colon': { headers: ['transfer-encoding : chunked', 'content-length: 2'], body },
    'a continued line': { headers: ['content-length: 2', 'x-amz-meta: a', ' transfer-encoding: chunked'], body },
    'a bare line feed': { headers: ['content-length: 2\nx-amz-meta: a'], body },
    'a size that is no number': { headers: ['transfer-encoding: chunked'], body: `0x2\r\n${body}\r\n0\r\n\r\n` },
    'a NUL in a value': { headers: ['content-length: 2', 'x-a: a\0b'], body },
  };
  for (const [what, request] of Object.entries(cases)) {
    it(`is refused: ${what}`, async () => {
      await using attack = openAttack();
      const { url } = await attack.listen();
      const signed = await headersOf(`${url}/ListImages`, { method: 'POST', body });
      const head = ['POST /ListImages HTTP/1.1', ...signed, ...request.headers].join('\r\n');
      const answers = await send(url, `${head}\r\n\r\n${request.body}${smuggled}`);
      checkRefused(answers, attack);
      assert.deepEqual(attack.done, [], answers);
    });
  }

  it('is refused: headers of a signature that come twice', async () => {
    for (const name of ['host', 'x-amz-date', 'authorization']) {
      await using attack = openAttack();
      const { url } = await attack.listen();
      const signed = await headersOf(`${url}/ListImages`, { method: 'POST', body });
      const line = signed.find((one) => one.startsWith(`${name}:`)) ?? assert.fail(name);
      const head = ['POST /ListImages HTTP/1.1', ...signed, line, 'content-length: 2', 'connection: close'];
      checkRefused(await send(url, `${head.join('\r\n')}\r\n\r\n${body}`), attack);
      assert.deepEqual(attack.done, [], name);
    }
  });

  it('is refused: a body that a GET brings along is not taken for a request', async () => {
    await using attack = openAttack();
    const { url } = await attack.listen();
    const signed = await headersOf(`${url}/kiln/v1/service`, {});
    const head = [
      'GET /kiln/v1/service HTTP/1.1',
      ...signed,
      `content-length: ${smuggled.length}`,
      'connection: close',
    ];
    assert.deepEqual(statusesOf(await send(url, `${head.join('\r\n')}\r\n\r\n${smuggled}`)), [200]);
    assert.deepEqual(attack.done, []);
  });

  it('is refused: more headers than Node takes', async () => {
    await using attack = openAttack();
    const { url } = await attack.listen();
    const many = Array.from({ length: 700 }, (_, index) => `x-${index}: ${'a'.repeat(20)}`).join('\r\n');
    assert.deepEqual(statusesOf(await send(url, `POST /ListImages HTTP/1.1\r\nhost: x\r\n${many}\r\n\r\n`)), [431]);
  });
});

describe('a replayed request', () => {
  it('is refused once its signature is 15 minutes old', async () => {
    const at = new Date('2026-11-23T12:00:00Z');
    const replayed = async (now: string) => {
      await using attack = openAttack({ clock: clockAt(now) });
      const path = `/DeleteComponent?componentBuildVersionArn=${encodeURIComponent(ARN)}`;
      const request = await signedRequest(`http://kiln.test${path}`, { method: 'DELETE', at });
      const response = await attack.api.fetch(request);
      return [response.status, response.headers.get('x-amzn-errortype'), attack.done.length];
    };
    assert.deepEqual(await replayed('2026-11-23T12:15:00Z'), [200, null, 1]);
    assert.deepEqual(await replayed('2026-11-23T12:15:01Z'), [403, 'InvalidSignatureException', 0]);
    assert.deepEqual(await replayed('2027-11-23T12:00:00Z'), [403, 'InvalidSignatureException', 0]);
  });

  it('is refused under another operation, another query or another body', async () => {
    await using attack = openAttack();
    const url = 'http://kiln.test/ListImages';
    const { headers } = await signedRequest(url, { method: 'POST', body: '{}' });
    for (const [target, method, body] of [
      ['http://kiln.test/CreateComponent', 'PUT', '{}'],
      [`${url}?maxResults=1`, 'POST', '{}'],
      [url, 'POST', '{"owner":"Amazon"}'],
      [url, 'POST', '{} '],
    ] as const) {
      const response = await attack.api.fetch(new Request(target, { method, headers, body }));
      assert.deepEqual([response.status, response.headers.get('x-amzn-errortype')], [403, 'InvalidSignatureException']);
    }
    assert.deepEqual(attack.done, []);
  });
});

describe('values of the wrong type', () => {
  const create = { name: 'c', semanticVersion: '1.0.0', platform: 'Linux', clientToken: 't', data: 'x' };
  const cases: Record<string, object> = {
    'a number for a string': { ...create, name: 7 },
    'a string for a boolean': { ...create, dryRun: 'true' },
    'a string for a list': { ...create, supportedOsVersions: 'Debian' },
    'a list for a map': { ...create, tags: ['a'] },
    'a structure for a string': { ...create, data: { toString: 'x' } },
    'an enumeration in other letters': { ...create, platform: 'linux' },
    'a value that objects inherit': { ...create, platform: 'constructor' },
    'a key that objects inherit': JSON.parse(`{"__proto__":{"name":"c"},"constructor":1}`),
    'a number beyond all numbers': JSON.parse('{"maxResults":1e999}'),
  };
  for (const [what, request] of Object.entries(cases)) {
    it(`are refused by their member: ${what}`, async () => {
      await using attack = openAttack();
      const signed = await signedRequest('http://kiln.test/CreateComponent', {
        method: 'PUT',
        body: JSON.stringify(request),
      });
      const response = await attack.api.fetch(signed);
      assert.equal(response.status, 400);
      assert.match(response.headers.get('x-amzn-errortype') ?? '', /^Invalid(?:Request|ParameterValue)Exception$/);
      assert.match(await response.text(), /The value supplied for parameter '\w+' is not valid/);
      assert.deepEqual(attack.done, []);
    });
  }
});
