import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BoundedOutput } from './bounded-output.ts';

test('what fits is kept whole, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 10 }), { maxLength: 10 }), (parts) => {
      const output = new BoundedOutput(4000);
      for (const part of parts) output.push(Buffer.from(part));
      assert.equal(output.text(), Buffer.from(parts.join('')).toString());
      assert.equal(output.leftOut, 0);
    }),
  );
});

test('of more, head and tail are kept and the middle is counted', () => {
  for (const size of [1, 7, 100, 1000]) {
    const output = new BoundedOutput(20);
    const text = Array.from({ length: 1000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');
    for (let at = 0; at < text.length; at += size) output.push(Buffer.from(text.slice(at, at + size)));
    assert.equal(output.text(), `${text.slice(0, 10)}\n[… 980 bytes left out …]\n${text.slice(-10)}`, String(size));
    assert.equal(output.total, 1000);
  }
});
