import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeOsText, encodeOsText, hasForeignBytes } from './os-text.ts';

test('every sequence of bytes comes back as it was', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      assert.deepEqual(encodeOsText(decodeOsText(Buffer.from(bytes))), Buffer.from(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('UTF-8 is what it always was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(decodeOsText(Buffer.from(text)), text);
      assert.deepEqual(encodeOsText(text), Buffer.from(text));
      assert.equal(hasForeignBytes(text), false);
    }),
  );
});

test('a byte that is not UTF-8 is a lone surrogate, also a surrogate or an overlong form in UTF-8', () => {
  assert.equal(decodeOsText(Buffer.of(0x61, 0xff, 0x62)), 'a\udcffb');
  assert.equal(decodeOsText(Buffer.from('ed b2 80'.replaceAll(' ', ''), 'hex')), '\udced\udcb2\udc80');
  assert.equal(decodeOsText(Buffer.of(0xc0, 0xaf)), '\udcc0\udcaf');
  assert.equal(decodeOsText(Buffer.of(0xf0, 0x9d, 0x84)), '\udcf0\udc9d\udc84');
  assert.equal(hasForeignBytes('a\udcffb'), true);
});
