import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { AwsError } from '../contract/errors.ts';
import type { PageTokens } from '../resources/service.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Page tokens sealed with AES-256-GCM: nobody can read what they hold, change it, or make one up. They stay good as
 * long as the key does, so a listing survives a restart.
 *
 * @param key at least 32 random bytes, kept with the installation's credentials
 */
export function createPageTokens(key: Uint8Array): PageTokens {
  if (key.length < 32) throw new RangeError('The page token key must have at least 32 bytes.');
  const sealingKey = Buffer.from(hkdfSync('sha256', key, '', 'kiln page tokens v1', 32));
  return {
    seal: (payload) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, sealingKey, nonce);
      const sealed = Buffer.concat([cipher.update(JSON.stringify(payload), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
    },
    open: (token) => {
      try {
        return unseal(Buffer.from(token, 'base64url'), sealingKey);
      } catch {
        throw new AwsError('InvalidPaginationTokenException', 'The pagination token is not valid.');
      }
    },
  };
}

function unseal(sealed: Buffer, key: Buffer): Record<string, unknown> {
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  return JSON.parse(text.toString('utf8'));
}
