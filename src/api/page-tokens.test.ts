import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AwsError } from '../contract/errors.ts';
import { createPageTokens } from './page-tokens.ts';

const KEY = Buffer.alloc(32, 7);
const isRefusal = (error: unknown) => error instanceof AwsError && error.name === 'InvalidPaginationTokenException';

describe('page tokens', () => {
  const tokens = createPageTokens(KEY);
  const payload = { operation: 'ListImages', after: [12, 'ä'] };

  it('open to what was sealed, after a restart too', () => {
    assert.deepEqual(createPageTokens(KEY).open(tokens.seal(payload)), payload);
  });

  it('show nothing of what they hold, and never look the same', () => {
    const token = tokens.seal(payload);
    assert.match(token, /^[A-Za-z0-9_-]+$/);
    assert.doesNotMatch(Buffer.from(token, 'base64url').toString('latin1'), /ListImages/);
    assert.notEqual(token, tokens.seal(payload));
  });

  it('are refused when any byte was changed, when cut, and when another key sealed them', () => {
    const sealed = Buffer.from(tokens.seal(payload), 'base64url');
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      assert.throws(() => tokens.open(changed.toString('base64url')), isRefusal);
      assert.throws(() => tokens.open(sealed.subarray(0, index).toString('base64url')), isRefusal);
    }
    assert.throws(() => tokens.open(createPageTokens(Buffer.alloc(32, 8)).seal(payload)), isRefusal);
    for (const text of ['', 'x', '💡', 'a'.repeat(65_535)]) assert.throws(() => tokens.open(text), isRefusal);
  });

  it('need a key of 32 bytes', () => {
    assert.throws(() => createPageTokens(Buffer.alloc(31)), RangeError);
  });
});
