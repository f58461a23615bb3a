import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildFailure } from '../../util/faults.ts';
import { cacheHintOf, describeHint, parseCacheHint } from './cache-hint.ts';
import type { ComponentRecord, RepositoryState } from './component-record.ts';
import { contentKey } from './content-key.ts';
import { describeAge, type FreshnessRule, limitOf, staleness } from './freshness.ts';
import { isWorthKeeping } from './worth-keeping.ts';

const HOUR = 3_600_000;
const programs = 'it runs programs';
const rule = (over: Partial<FreshnessRule> = {}): FreshnessRule => ({
  hint: undefined,
  ofBuild: undefined,
  fetches: programs,
  ...over,
});
const limit = (hours: number) => ({ kind: 'limit', milliseconds: hours * HOUR }) as const;

test('hints are words and times; others are refused by name', () => {
  assert.deepEqual(parseCacheHint('never'), { kind: 'never' });
  assert.deepEqual(parseCacheHint('90m'), limit(1.5));
  assert.deepEqual(parseCacheHint('7d'), limit(168));
  for (const text of ['', '1', 'h', '-1h', '1.5h', '12 h', 'Never'])
    assert.equal(parseCacheHint(text), undefined, text);
  assert.throws(() => cacheHintOf({ 'kiln:cache': 'sometimes' }, 'x'), BuildFailure);
  assert.equal(cacheHintOf({}, 'x'), undefined);
  assert.deepEqual([limit(24), limit(36), limit(1.5)].map(describeHint), ['1 d', '36 h', '90 m']);
});

test('programs count for a day, documents for ever; the build may shorten, and says where the author does not', () => {
  assert.deepEqual(limitOf(rule()), limit(24));
  assert.deepEqual(limitOf(rule({ fetches: undefined })), { kind: 'forever' });
  assert.deepEqual(limitOf(rule({ hint: limit(100) })), limit(100));
  assert.deepEqual(limitOf(rule({ hint: limit(100), ofBuild: limit(1) })), limit(1));
  assert.deepEqual(limitOf(rule({ hint: limit(1), ofBuild: limit(100) })), limit(1));
  assert.deepEqual(limitOf(rule({ hint: { kind: 'forever' }, ofBuild: limit(2) })), limit(2));
  assert.deepEqual(limitOf(rule({ ofBuild: limit(100) })), limit(100));
  assert.deepEqual(limitOf(rule({ ofBuild: { kind: 'forever' } })), { kind: 'forever' });
  assert.deepEqual(limitOf(rule({ hint: { kind: 'never' }, ofBuild: { kind: 'forever' } })), { kind: 'never' });
  assert.deepEqual(limitOf(rule({ ofBuild: { kind: 'never' } })), { kind: 'never' });
});

test('work is stale by age, by a clock that was wrong, and when a package repository has changed', async () => {
  const now = new Date('2026-03-09T12:00:00Z');
  const repositories: readonly RepositoryState[] = [{ url: 'http://mirror/InRelease', sha256: 'a' }];
  const record = (ranAt: string): ComponentRecord => ({
    ...{ component: 'c', name: 'c', executor: 'direct', seconds: 1, image: 'i', ranAt, repositories },
  });
  const index = (sha256: string | undefined) => async (url: string) =>
    sha256 === undefined ? undefined : { url, sha256 };
  const ask = (ranAt: string, after: string | undefined, over: Partial<FreshnessRule> = {}) =>
    staleness(record(ranAt), rule(over), {
      now,
      states: { web: async () => undefined, objects: async () => undefined, index: index(after) },
      signal: new AbortController().signal,
    });
  assert.equal(await ask('2026-03-09T11:00:00Z', 'a'), undefined);
  assert.match((await ask('2026-03-08T11:00:00Z', 'a')) ?? '', /is 25 h old and counts for 1 d/);
  assert.match((await ask('2026-03-10T11:00:00Z', 'a')) ?? '', /still to come/);
  assert.match((await ask('2026-03-09T11:00:00Z', 'b')) ?? '', /mirror\/InRelease has changed/);
  assert.equal(await ask('2026-03-09T11:00:00Z', undefined), undefined, 'a mirror that is away');
  assert.equal(await ask('2020-03-09T11:00:00Z', 'b', { hint: { kind: 'forever' } }), undefined);
  assert.match((await ask('2026-03-09T11:59:00Z', 'a', { hint: { kind: 'never' } })) ?? '', /never/);
});

test('no password of a package repository is told', async () => {
  const now = new Date('2026-03-09T12:00:00Z');
  const repositories: readonly RepositoryState[] = [{ url: 'https://user:s3cr3t@mirror/InRelease', sha256: 'a' }];
  const why = await staleness(
    { component: 'c', name: 'c', executor: 'direct', seconds: 1, image: 'i', ranAt: now.toISOString(), repositories },
    rule(),
    {
      now,
      states: {
        web: async () => undefined,
        objects: async () => undefined,
        index: async (url) => ({ url, sha256: 'b' }),
      },
      signal: new AbortController().signal,
    },
  );
  assert.equal(why, 'the package repository https://mirror/InRelease has changed');
});

test('a key is the same whatever the order of members, and another one for other content', () => {
  assert.equal(contentKey({ a: 1, b: [1, { c: 2, d: undefined }] }), contentKey({ b: [1, { c: 2 }], a: 1 }));
  assert.notEqual(contentKey({ a: 1 }), contentKey({ a: '1' }));
  assert.notEqual(contentKey([1, 2]), contentKey([2, 1]));
  assert.notEqual(contentKey({ a: { b: 1 } }), contentKey({ a: 1, b: 1 }));
});

test('a checkpoint pays when it saves twice of what it costs', () => {
  assert.equal(isWorthKeeping(0.1, 0), false);
  assert.equal(isWorthKeeping(0.3, 0), true);
  assert.equal(isWorthKeeping(3, 1024 ** 3), false);
  assert.equal(isWorthKeeping(30, 1024 ** 3), true);
  assert.deepEqual([90_000, 3 * HOUR, 72 * HOUR].map(describeAge), ['1 min', '3 h', '3 d']);
});
