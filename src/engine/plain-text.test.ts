import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clip, oneLine, plainText } from './plain-text.ts';

test('control characters and escape sequences go, text and line ends stay', () => {
  assert.equal(
    plainText('\u001b[31mred\u001b[0m\u0000 \u001b]0;title\u0007ok\ttab\r\nnext\u0007'),
    'red ok\ttab\nnext',
  );
  assert.equal(plainText('half \ud800 pair'), 'half \ufffd pair');
});

test('lines become one without empty ones', () => {
  assert.equal(oneLine('  a\n\n b \nc\n'), 'a | b | c');
});

test('what is too long is cut to the length, with a mark', () => {
  assert.equal(clip('abcdef', 4), 'abc…');
  assert.equal(clip('abcd', 4), 'abcd');
});
