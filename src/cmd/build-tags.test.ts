import assert from 'node:assert/strict';
import { test } from 'node:test';
import { build } from './build.ts';
import { readBuildTags } from './build-tags.ts';
import { UsageError } from './command.ts';
import { parseArguments } from './parse-arguments.ts';

const read = (...argv: readonly string[]): Readonly<Record<string, string>> =>
  readBuildTags(parseArguments('build', build, argv));

test('what may be reused becomes a tag of the image', () => {
  assert.deepEqual(read('t.yaml'), {});
  assert.deepEqual(read('t.yaml', '--cache-ttl', '90m', '--executor', 'vm'), {
    'kiln:cache': '90m',
    'kiln:executor': 'vm',
  });
  assert.deepEqual(read('t.yaml', '--no-cache'), { 'kiln:cache': 'never' });
  assert.deepEqual(read('t.yaml', '--resume'), { 'kiln:cache': 'forever' });
});

test('wishes that contradict each other, and words that are none, are the fault of the caller', () => {
  for (const [options, said] of [
    [['--no-cache', '--cache-ttl', '1h'], /exclude each other/],
    [['--no-cache', '--resume'], /exclude each other/],
    [['--cache-ttl', 'a while'], /90m, 24h or 7d, or forever, not 'a while'/],
    [['--executor', 'cloud'], /--executor takes .*not 'cloud'/],
  ] as const) {
    assert.throws(
      () => read('t.yaml', ...options),
      (error) => error instanceof UsageError && said.test(error.message),
    );
  }
});
