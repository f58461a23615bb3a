import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderTable } from './table.ts';
import { clip, displayWidth, formatBytes, formatSeconds, sanitise } from './text.ts';

test('times are said as people say them', () => {
  const said = [0, 7.24, 9.96, 59.4, 65, 3599.6, 7380].map(formatSeconds);
  assert.deepEqual(said, ['0.0 s', '7.2 s', '10 s', '59 s', '1 min 5 s', '1 h 0 min', '2 h 3 min']);
});

test('sizes are said as people say them', () => {
  assert.deepEqual([0, 999, 1000, 181_300_000, 2_000_000_000].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '181 MB',
    '2.0 GB',
  ]);
});

test('what a guest writes cannot drive the terminal', () => {
  assert.equal(sanitise('\u001b[2J\u001b]0;title\u0007a\tb\rc\u0000\u202ed'), 'a  bcd');
});

test('text is clipped by columns, and wide characters take two', () => {
  assert.equal(clip('hello', 5), 'hello');
  assert.equal(clip('hello!', 5), 'hell…');
  assert.equal(clip('日本語', 5), '日本…');
  assert.equal(displayWidth('日本 e\u0301'), 6);
  assert.equal(clip('hello', 0), '');
});

test('a table is as wide as it needs to be', () => {
  assert.equal(renderTable(['A', 'B'], [['long', 'x']]), 'A     B\nlong  x\n');
});
