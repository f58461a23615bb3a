import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AwsError } from '../../contract/errors.ts';
import { parsePolicy } from '../../iam/parse-policy.ts';
import { apiFixture, CREDENTIAL, REGION, type SignOptions, signedRequest } from '../api.fixture.ts';
import { rootCredential } from '../auth/credentials.ts';
import type { KilnEndpoints } from './endpoints.ts';

const SECRET = 'x'.repeat(40);
const POLICY = parsePolicy(
  '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
  'test',
  'identity',
);
/** May do everything that policies can allow. */
const USER = {
  ...rootCredential({ accessKeyId: 'AKIAKILNTEST00000002', secretAccessKey: SECRET, accountId: CREDENTIAL.accountId }),
  userName: 'eve',
  principalArn: `arn:aws:iam::${CREDENTIAL.accountId}:user/eve`,
  policy: POLICY,
};
const OTHER = rootCredential({
  accessKeyId: 'AKIAKILNTEST00000003',
  secretAccessKey: SECRET,
  accountId: '999999999999',
});

const CERTIFICATE = '/kiln/v1/sns/SimpleNotificationService-1.pem';

function fixture(more: Partial<KilnEndpoints> = {}) {
  return apiFixture({
    kiln: {
      service: { version: '0.1.0', accountId: CREDENTIAL.accountId, region: REGION, pid: 1, home: '/' },
      follow: async function* () {},
      operations: {
        Echo: { readOnly: true, run: async (input, { accountId }) => ({ input, accountId }) },
        Break: {
          readOnly: false,
          run: async () => {
            throw new AwsError('ResourceNotFoundException', 'There is no such thing.');
          },
        },
      },
      followEvents: async function* ({ accountId, after, follow }) {
        yield { position: '8', event: { accountId, after, follow } };
      },
      findCertificate: async (path) => (path === CERTIFICATE ? 'PEM' : undefined),
      ...more,
    },
    findCredential: (id) => [CREDENTIAL, USER, OTHER].find(({ accessKeyId }) => accessKeyId === id),
  });
}

describe("Kiln's own operations", () => {
  const call = async (api: ReturnType<typeof fixture>['api'], name: string, options: SignOptions = {}) => {
    const url = `http://127.0.0.1/kiln/v1/operations/${name}`;
    const response = await api.fetch(await signedRequest(url, { method: 'POST', body: '{"a":1}', ...options }));
    return { status: response.status, body: await response.json() };
  };

  it("are the owner's, whatever policies of others allow", async () => {
    await using test = fixture();
    const own = await call(test.api, 'Echo');
    assert.deepEqual(own, { status: 200, body: { input: { a: 1 }, accountId: CREDENTIAL.accountId } });
    for (const { accessKeyId, principalArn } of [USER, OTHER]) {
      const refused = await call(test.api, 'Echo', { accessKeyId, secretAccessKey: SECRET });
      assert.deepEqual(refused, {
        status: 403,
        body: { message: `User: ${principalArn} is not the owner of this installation.` },
      });
    }
    const [first, second] = test.trail;
    assert.deepEqual([first?.eventName, first?.['eventSource'], first?.readOnly], ['Echo', 'kiln', true]);
    assert.deepEqual([second?.eventName, second?.errorCode], ['Echo', 'AccessDeniedException']);
  });

  it('are refused by name, as JSON objects, and with their errors', async () => {
    await using test = fixture();
    assert.deepEqual(await call(test.api, 'Nothing'), {
      status: 404,
      body: { message: 'Kiln has no operation Nothing.' },
    });
    assert.equal((await call(test.api, 'constructor')).status, 404);
    assert.equal((await call(test.api, 'Echo', { body: '[]' })).status, 400);
    assert.equal((await call(test.api, 'Echo', { body: '{' })).status, 400);
    assert.deepEqual(await call(test.api, 'Break'), { status: 404, body: { message: 'There is no such thing.' } });
    assert.equal(test.trail.at(-1)?.readOnly, false);
    const unsigned = await test.api.fetch(new Request('http://127.0.0.1/kiln/v1/operations/Echo', { method: 'POST' }));
    assert.equal(unsigned.status, 403);
  });
});

describe('events', () => {
  it('are those of the account of whoever asks, from a position on', async () => {
    await using test = fixture();
    const get = async (query: string, options: SignOptions = {}) =>
      test.api.fetch(await signedRequest(`http://127.0.0.1/kiln/v1/events${query}`, options));
    const other = await get('?after=7&follow=true', { accessKeyId: OTHER.accessKeyId, secretAccessKey: SECRET });
    const event = { accountId: OTHER.accountId, after: '7', follow: true };
    assert.equal(await other.text(), `${JSON.stringify({ position: '8', event })}\n`);
    for (const query of ['?after=x', '?follow=maybe', '?before=1']) assert.equal((await get(query)).status, 400, query);
  });
});

describe('the certificate of messages', () => {
  it('is for everybody, under its own path only', async () => {
    await using test = fixture();
    const stranger = { address: '192.0.2.7', tls: true, endpointPolicy: undefined };
    const get = (path: string) => test.api.fetch(new Request(`http://127.0.0.1${path}`), stranger);
    const found = await get(CERTIFICATE);
    assert.deepEqual([found.status, await found.text()], [200, 'PEM']);
    assert.equal((await get('/kiln/v1/sns/../service')).status, 403);
    assert.equal((await get('/kiln/v1/sns/other.pem')).status, 403);
  });
});
