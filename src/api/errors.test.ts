import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ImagebuilderClient, ListImagesCommand, ServiceUnavailableException } from '@aws-sdk/client-imagebuilder';
import pg from 'pg';
import { AwsError } from '../contract/errors.ts';
import { apiFixture, signedRequest } from './api.fixture.ts';
import { asAwsError, errorAnswer } from './errors.ts';
import type { ApiLog } from './log.ts';

const silent: ApiLog = { debug: () => {}, warn: () => {}, error: () => {} };

describe('what a handler throws', () => {
  it('is told as it is when it refuses the request', async () => {
    const answer = errorAnswer(new AwsError('ResourceInUseException', 'Busy.'));
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get('x-amzn-errortype'), 'ResourceInUseException');
    assert.deepEqual(await answer.json(), { message: 'Busy.' });
  });

  for (const [what, thrown] of [
    ['an error', new Error('secret of /home/user')],
    ['a string', 'secret of /home/user'],
    ['nothing', undefined],
  ] as const) {
    it(`stays in the log when it is a fault of ours: ${what}`, async () => {
      await using fixture = apiFixture({
        operations: {
          ListImages: async () => {
            throw thrown;
          },
        },
      });
      const response = await fixture.api.fetch(await signedRequest('http://kiln.test/ListImages', { method: 'POST' }));
      assert.equal(response.status, 500);
      assert.equal(response.headers.get('x-amzn-errortype'), 'ServiceException');
      const requestId = response.headers.get('x-amzn-requestid') ?? '';
      const body = await response.text();
      assert.match(body, new RegExp(requestId));
      assert.doesNotMatch(body, /secret| at /);
      const errors = fixture.log.filter(({ level }) => level === 'error');
      assert.equal(errors.length, 1);
      assert.equal(errors[0]?.fields['requestId'], requestId);
      assert.match(String(errors[0]?.fields['err']), /Error/);
    });
  }

  it('is a passing unavailability when the database is away', async () => {
    // Nothing listens on port 1, and no socket is in a directory that does not exist.
    for (const host of ['127.0.0.1', '/nonexistent-kiln-test']) {
      const pool = new pg.Pool({ host, port: 1 });
      await using fixture = apiFixture({
        operations: {
          ListImages: async () => {
            await pool.query('select 1');
            return {};
          },
        },
      });
      const client: ImagebuilderClient = await fixture.client();
      await assert.rejects(client.send(new ListImagesCommand({})), (error) => {
        assert.ok(error instanceof ServiceUnavailableException);
        assert.equal(error.$metadata.httpStatusCode, 503);
        assert.doesNotMatch(error.message, /127|nonexistent/);
        return true;
      });
      await pool.end();
    }
  });

  it('is a passing unavailability when the database shuts down or breaks the connection off', () => {
    const errors = [
      Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' }),
      new Error('Connection terminated unexpectedly'),
      new Error('query failed', { cause: Object.assign(new Error('read'), { code: 'ECONNRESET' }) }),
      new AggregateError([Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })]),
    ];
    for (const error of errors) assert.equal(asAwsError(error, 'id', silent).httpStatus, 503);
    const unique = Object.assign(new Error('duplicate key'), { code: '23505' });
    assert.equal(asAwsError(unique, 'id', silent).httpStatus, 500);
  });
});
