import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Invocation, serveRuntimeApi } from './runtime-api.ts';

const invocation: Invocation = {
  requestId: 'request-1',
  event: '{"a":1}',
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:f',
  deadline: new Date('2026-11-23T10:00:00Z'),
};
const PATH = '2018-06-01/runtime/invocation';

test('whoever knows the secret gets the invocation and answers it', async (t) => {
  const api = await serveRuntimeApi(invocation);
  t.after(() => api[Symbol.asyncDispose]());
  const next = await fetch(`http://${api.address}/${PATH}/next`);
  assert.equal(await next.text(), invocation.event);
  const answered = await fetch(`http://${api.address}/${PATH}/request-1/response`, { method: 'POST', body: '2' });
  assert.equal(answered.status, 202);
  await answered.arrayBuffer();
  assert.deepEqual(await api.answer, { kind: 'response', body: '2' });
});

test('a wrong secret is refused, of the right length or another; the invocation stays for who knows it', async (t) => {
  const api = await serveRuntimeApi(invocation);
  t.after(() => api[Symbol.asyncDispose]());
  const [host, secret = ''] = api.address.split('/');
  const otherDigit = secret.endsWith('0') ? '1' : '0';
  const wrong = {
    'the right length': secret.slice(0, -1) + otherDigit,
    'a digit less': secret.slice(0, -1),
    'a digit more': `${secret}0`,
    'no length': '',
    'beyond ASCII': encodeURIComponent('€'.repeat(secret.length)),
  };
  for (const [what, given] of Object.entries(wrong)) {
    for (const [path, init] of [
      ['next', {}],
      ['request-1/response', { method: 'POST', body: '"forged"' }],
      ['request-1/error', { method: 'POST', body: '{}' }],
    ] as const) {
      const answer = await fetch(`http://${host}/${given}/${PATH}/${path}`, init);
      assert.equal(answer.status, 403, `${what}: ${path}`);
      assert.deepEqual(await answer.json(), { errorMessage: 'not this function' });
    }
  }
  for (const path of ['/', `/${secret}`, `/${PATH}/next`]) {
    const answer = await fetch(`http://${host}${path}`);
    assert.equal(answer.status, 403, path);
    await answer.arrayBuffer();
  }
  assert.equal(await (await fetch(`http://${api.address}/${PATH}/next`)).text(), invocation.event);
});
