import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { invalidParameter } from '../contract/errors.ts';
import { apiFixture, type SignOptions, signedRequest } from './api.fixture.ts';

const operations = { ListImages: async () => ({ imageVersionList: [] }) };

async function answerTo(
  path: string,
  options: SignOptions,
): Promise<{ status: number; type: string; message: string }> {
  await using fixture = apiFixture({ operations });
  const { url } = await fixture.listen();
  const response = await fetch(await signedRequest(url + path, options));
  const body = (await response.json()) as { message: string };
  assert.match(response.headers.get('x-amzn-requestid') ?? '', /^[0-9a-f-]{36}$/);
  assert.ok(response.headers.has('date'));
  assert.deepEqual(
    fixture.log.filter(({ level }) => level !== 'debug'),
    [],
  );
  return { status: response.status, type: response.headers.get('x-amzn-errortype') ?? '', message: body.message };
}

describe('a signed request that makes no sense', () => {
  const cases: [what: string, path: string, SignOptions, status: number, type: string, message: RegExp][] = [
    ['an unknown operation', '/NoSuchThing', {}, 404, 'UnknownOperationException', /GET \/NoSuchThing/],
    ['a wrong method', '/ListImages', {}, 404, 'UnknownOperationException', /This path takes POST\./],
    ['no path', '/', { method: 'POST' }, 404, 'UnknownOperationException', /POST \//],
    ['a method that nothing has', '/ListImages', { method: 'PATCH' }, 404, 'UnknownOperationException', /PATCH/],
    [
      'JSON that does not end',
      '/ListImages',
      { method: 'POST', body: '{"owner":' },
      400,
      'InvalidRequestException',
      /not well-formed JSON/,
    ],
    [
      'deeply nested JSON',
      '/ListImages',
      { method: 'POST', body: '['.repeat(300_000) + ']'.repeat(300_000) },
      400,
      'InvalidRequestException',
      /must be a JSON object/,
    ],
    [
      'a body of 2 MiB',
      '/ListImages',
      { method: 'POST', body: 'x'.repeat(2 * 1024 * 1024) },
      413,
      'RequestEntityTooLargeException',
      /larger than 1048576 bytes/,
    ],
    [
      'a path that is not percent-encoding',
      '/tags/%ff%fe',
      {},
      400,
      'InvalidRequestException',
      /not well-formed percent-encoding/,
    ],
    [
      'an unknown parameter of Kiln',
      '/kiln/v1/service?verbose=1',
      {},
      400,
      'InvalidRequestException',
      /no parameter 'verbose'/,
    ],
  ];
  for (const [what, path, options, status, type, message] of cases) {
    it(`is refused as such: ${what}`, async () => {
      const answer = await answerTo(path, options);
      assert.equal(answer.type, type);
      assert.equal(answer.status, status);
      assert.match(answer.message, message);
    });
  }

  it('is refused as such: HEAD, which has no body to say why', async () => {
    await using fixture = apiFixture();
    const signed = await signedRequest('http://kiln.test/kiln/v1/service', { method: 'HEAD' });
    assert.equal((await fixture.api.fetch(signed)).headers.get('x-amzn-errortype'), 'UnknownOperationException');
  });

  it('is refused as such: bytes that are not UTF-8', async () => {
    await using fixture = apiFixture({ operations });
    const signed = await signedRequest('http://kiln.test/ListImages', {
      method: 'POST',
      body: Buffer.from([0x22, 0xff, 0x22]) as never,
    });
    const response = await fixture.api.fetch(signed);
    assert.equal(response.status, 400);
    assert.match(await response.text(), /JSON in UTF-8/);
  });

  it('is refused as such: a body of 2 MiB that does not tell its length', async () => {
    await using fixture = apiFixture({ operations });
    const { url } = await fixture.listen();
    const { headers } = await signedRequest(`${url}/ListImages`, { method: 'POST' });
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(64 * 1024)),
    });
    const response = await fetch(`${url}/ListImages`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
    assert.equal(response.status, 413);
    assert.equal(response.headers.get('x-amzn-errortype'), 'RequestEntityTooLargeException');
  });
});

describe('a request whose members are wrong', () => {
  it('is told what else is wrong with it, and nobody looks at it further', async () => {
    const seen: unknown[] = [];
    await using fixture = apiFixture({
      operations: { ListImages: async () => assert.fail('it was handled') },
      checkRequest: (name, input) => {
        seen.push([name, input]);
        return [invalidParameter('owner', 'Nobody is here.'), invalidParameter('maxResults', 'It is not told twice.')];
      },
    });
    const body = JSON.stringify({ owner: 'Self', maxResults: 26 });
    const response = await fixture.api.fetch(
      await signedRequest('http://kiln.test/ListImages', { method: 'POST', body }),
    );
    assert.equal(response.status, 400);
    assert.deepEqual(seen, [['ListImages', { owner: 'Self' }]]);
    const { message } = (await response.json()) as { message: string };
    assert.deepEqual(message.split('\n'), [
      "The value supplied for parameter 'maxResults' is not valid. maxResults must have value less than or equal to 25.",
      "The value supplied for parameter 'owner' is not valid. Nobody is here.",
    ]);
  });
});

describe('what is hardly HTTP', () => {
  for (const request of [
    'GET /\\evil HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
    'BREW / HTTP/1.1\r\nHost: x\r\n\r\n',
    'nonsense\r\n\r\n',
  ]) {
    it(`is answered with a client error: ${JSON.stringify(request)}`, async () => {
      await using fixture = apiFixture();
      const { url } = await fixture.listen();
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.end(request);
      let answer = '';
      for await (const chunk of socket) answer += chunk;
      assert.match(answer, /^HTTP\/1\.1 4\d\d /);
      assert.doesNotMatch(answer, / at .*\.ts:/);
    });
  }
});
