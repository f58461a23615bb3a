import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';

const CHUNK_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/** A part of a file, bytes. */
export interface Extent {
  readonly start: number;
  readonly length: number;
  /** It holds nothing but zeros, and need not be read for that. */
  readonly zero: boolean;
}

/** sha256 of a file, hex. An abort rejects with the signal's reason. */
export function sha256OfFile(file: string, signal?: AbortSignal): Promise<string> {
  return digest(signal, (hash) => update(hash, file, {}, signal));
}

/**
 * As {@link sha256OfFile}, of a file with holes: to read those would fill the page cache with gibibytes of zeros, which takes
 * several times as long as hashing them.
 *
 * @param extents All of the file, in order.
 */
export function sha256OfExtents(file: string, extents: readonly Extent[], signal?: AbortSignal): Promise<string> {
  return digest(signal, async (hash) => {
    for (const { start, length, zero } of extents) {
      if (!zero) await update(hash, file, { start, end: start + length - 1 }, signal);
      else
        for (let left = length; left > 0; left -= CHUNK_BYTES) {
          hash.update(left < CHUNK_BYTES ? ZEROS.subarray(0, left) : ZEROS);
          await turn(undefined, { signal });
        }
    }
  });
}

async function digest(signal: AbortSignal | undefined, feed: (hash: Hash) => Promise<void>): Promise<string> {
  const hash = createHash('sha256');
  try {
    await feed(hash);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  return hash.digest('hex');
}

/** @param range `end` is the last byte that counts. */
async function update(
  hash: Hash,
  file: string,
  range: { readonly start?: number; readonly end?: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  await pipeline(
    createReadStream(file, { highWaterMark: CHUNK_BYTES, ...range }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) hash.update(chunk);
    },
    options,
  );
}
