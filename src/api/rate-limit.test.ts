import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRateLimit } from './rate-limit.ts';

const at = (seconds: number) => new Date(1_000_000 + seconds * 1_000);

test('a bucket gives its burst at once, then so much per second', () => {
  const limit = createRateLimit({ perSecond: 2, burst: 3 });
  for (let request = 0; request < 3; request++) assert.equal(limit.take('eve', at(0)), undefined);
  assert.equal(limit.take('eve', at(0)), 1);
  assert.equal(limit.take('eve', at(0.5)), undefined);
  assert.equal(limit.take('eve', at(0.5)), 1);
  for (let request = 0; request < 3; request++) assert.equal(limit.take('eve', at(100)), undefined);
  assert.equal(limit.take('eve', at(100)), 1);
});

test('everybody has a bucket of their own', () => {
  const limit = createRateLimit({ perSecond: 0.1, burst: 1 });
  assert.equal(limit.take('eve', at(0)), undefined);
  assert.equal(limit.take('eve', at(0)), 10);
  assert.equal(limit.take('bob', at(0)), undefined);
});

test('a clock that is set back gives nothing and takes nothing', () => {
  const limit = createRateLimit({ perSecond: 1, burst: 2 });
  assert.equal(limit.take('eve', at(100)), undefined);
  assert.equal(limit.take('eve', at(0)), undefined);
  assert.equal(limit.take('eve', at(0)), 1);
  assert.equal(limit.take('eve', at(1)), undefined);
});
