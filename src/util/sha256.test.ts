import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sha256 } from './sha256.ts';

const hex = async (sha: Sha256): Promise<string> => Buffer.from(await sha.digest()).toString('hex');

test('hashes are those of FIPS 180-4, whatever holds the bytes', async () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  const bytes = new TextEncoder().encode('xabc');
  for (const data of ['abc', bytes.subarray(1), bytes.slice(1).buffer]) {
    const sha = new Sha256();
    sha.update(data);
    assert.equal(await hex(sha), abc);
  }
});

test('with a secret it is the HMAC of RFC 4231, also after a reset', async () => {
  const sha = new Sha256('Jefe');
  sha.update('something else');
  sha.reset();
  sha.update('what do ya want for nothing?');
  assert.equal(await hex(sha), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
});
