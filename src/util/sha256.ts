import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from 'node:crypto';

/** What signers of the AWS SDK may be given to hash. */
type Source = string | ArrayBuffer | ArrayBufferView;

/**
 * SHA-256, and HMAC with it when there is a secret, in the form that AWS's signers want. By Node's own implementation:
 * the one in JavaScript that the SDK has for browsers takes several times as long, and every request pays for it.
 */
export class Sha256 {
  readonly #secret: KeyObject | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: Source) {
    this.#secret = secret === undefined ? undefined : keyOf(bytesOf(secret));
    this.#hash = this.#begin();
  }

  update(data: Source): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#begin();
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
  }
}

/** Node takes five times as long to find out that bytes are no key object than to make one of them. */
function keyOf(secret: string | Uint8Array): KeyObject {
  return typeof secret === 'string' ? createSecretKey(secret, 'utf8') : createSecretKey(secret);
}

function bytesOf(data: Source): string | Uint8Array {
  if (typeof data === 'string') return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
