import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ndjson } from './ndjson.ts';

describe('a stream of JSON lines', () => {
  it('sends empty lines while there is nothing to say', async () => {
    const more = Promise.withResolvers<void>();
    const response = await ndjson({
      begin: async function* () {
        yield { one: 1 };
        await more.promise;
        yield { two: 2 };
      },
      closing: new AbortController().signal,
      onBroken: (error) => assert.fail(String(error)),
      heartbeatMs: 1,
    });
    let all = '';
    for await (const chunk of response.body ?? assert.fail()) {
      all += Buffer.from(chunk).toString();
      if (all.endsWith('}\n\n\n')) more.resolve();
    }
    assert.deepEqual(
      all.split('\n').filter((line) => line !== ''),
      ['{"one":1}', '{"two":2}'],
    );
  });

  it('ends with an error when the service closes, and lets the generator end', async () => {
    const closing = new AbortController();
    const ended = Promise.withResolvers<unknown>();
    const response = await ndjson({
      begin: async function* (signal) {
        try {
          yield { one: 1 };
          await once(signal, 'abort');
        } finally {
          ended.resolve(signal.reason);
        }
      },
      closing: closing.signal,
      onBroken: (error) => assert.fail(String(error)),
      heartbeatMs: 60_000,
    });
    const reader = response.body?.getReader() ?? assert.fail();
    await reader.read();
    const next = reader.read();
    closing.abort(new Error('stopping'));
    await assert.rejects(next, /stopping/);
    assert.match(String(await ended.promise), /stopping/);
  });
});
