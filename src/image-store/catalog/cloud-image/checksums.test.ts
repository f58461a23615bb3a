import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseChecksum, parseChecksums } from './checksums.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

test('both forms of sha256sum and the form of BSD are read', () => {
  const text = `# comment\n${A}  one.img\n${B} *two.img\r\n${A.toUpperCase()}  ./three.img\nSHA256 (four.img) = ${B}\n`;
  assert.deepEqual(parseChecksums(text, 'sha256'), [
    { file: 'one.img', digest: A },
    { file: 'two.img', digest: B },
    { file: 'three.img', digest: A },
    { file: 'four.img', digest: B },
  ]);
});

test('digests of another algorithm are passed over', () => {
  assert.deepEqual(parseChecksums(`${A}  one.img\n`, 'sha512'), []);
});

test('the highest version is chosen, compared as numbers', () => {
  const checksums = ['x-9.img', 'x-10.img', 'x-8.img'].map((file) => ({ file, digest: A }));
  assert.equal(chooseChecksum(checksums, /^x-[0-9]+\.img$/)?.file, 'x-10.img');
});

test('a name that leads to another folder is never chosen', () => {
  assert.equal(chooseChecksum([{ file: '../x.img', digest: A }], /^.*x\.img$/), undefined);
});
