import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
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
  return digest(signal, (hash) => update(hash, file, { start: 0 }, signal));
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
      if (!zero) await update(hash, file, { start, length }, signal);
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

/**
 * In one buffer: new ones for each part would have V8 look through the whole heap of a service every few dozen MiB.
 *
 * @param range Bytes; without a length up to the end of the file.
 */
async function update(
  hash: Hash,
  file: string,
  { start, length }: { readonly start: number; readonly length?: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  await using handle = await open(file, 'r');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  const end = length === undefined ? Number.POSITIVE_INFINITY : start + length;
  for (let position = start; position < end; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(CHUNK_BYTES, end - position), position);
    if (bytesRead === 0) return;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
