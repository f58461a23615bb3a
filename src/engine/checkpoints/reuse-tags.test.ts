import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuildRun } from '../build-run.ts';
import { reuseTags } from './reuse-tags.ts';

const arn = (name: string): string => `arn:aws:imagebuilder:us-east-1:123456789012:image/${name}/1.0.0/1`;

function tagsOf(...images: readonly string[]): Readonly<Record<string, string>> {
  const reused = images.map((image, index) => ({ image, ranAt: `2026-03-0${9 - index}T12:00:00.000Z` }));
  const run = { cache: { components: Array.from({ length: 9 }) }, progress: { reused } };
  return reuseTags(run as unknown as BuildRun);
}

test('an image says how much it took over, since when, and of which images', () => {
  assert.deepEqual(tagsOf(), { 'kiln:reused': '0 of 9 components' });
  assert.deepEqual(tagsOf(arn('a'), arn('b'), arn('a')), {
    'kiln:reused': '3 of 9 components, from 2026-03-07T12:00:00.000Z',
    'kiln:reused-from': `${arn('a')} ${arn('b')}`,
  });
});

test('names that do not fit into a tag are left out whole', () => {
  const names = ['one', 'two', 'three', 'four', 'five'].map(arn);
  const text = tagsOf(...names)['kiln:reused-from'] ?? '';
  assert.equal(text, `${names.slice(0, 3).join(' ')} and 2 more`);
  assert.ok(text.length <= 256);
  const long = arn('x'.repeat(126));
  assert.equal(tagsOf(long, arn('y'.repeat(126)))['kiln:reused-from'], `${long} and 1 more`);
  assert.equal(tagsOf(arn('x'.repeat(250)), arn('b'))['kiln:reused-from'], '2 images');
});
