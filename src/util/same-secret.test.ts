import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameSecret } from './same-secret.ts';

const SECRET = '5f2b8c1d9e3a4f60';

test('a secret is the same as itself only', () => {
  assert.equal(isSameSecret(SECRET, `${SECRET}`), true);
  assert.equal(isSameSecret(`4${SECRET.slice(1)}`, SECRET), false);
  assert.equal(isSameSecret(`${SECRET.slice(0, -1)}1`, SECRET), false);
  assert.equal(isSameSecret(SECRET.toUpperCase(), SECRET), false);
});

test('one of another length is another, and no error', () => {
  for (const given of ['', SECRET.slice(0, -1), `${SECRET}0`, `${SECRET}\0`, SECRET.repeat(10_000)]) {
    assert.equal(isSameSecret(given, SECRET), false);
    assert.equal(isSameSecret(SECRET, given), false);
  }
  assert.equal(isSameSecret('', ''), true);
});

test('texts beyond ASCII are compared as they are', () => {
  assert.equal(isSameSecret('gruß-€-😀', 'gruß-€-😀'), true);
  assert.equal(isSameSecret('gruss-€-😀', 'gruß-€-😀'), false);
  assert.equal(isSameSecret('\u00e9', 'e\u0301'), false, 'they only look alike');
  assert.equal(isSameSecret('\u0141', 'A'), false, 'the same low byte');
  assert.equal(isSameSecret('\ud800', '\udbff'), false, 'both have no UTF-8 of their own');
});
