import { createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';

/** One of zstd's fast levels: it makes a fifth more of it than level 1, in three quarters of the time. */
const COMPRESSION = {
  // Node takes -1 for the default, which is 3.
  [constants.ZSTD_c_compressionLevel]: -2,
  // Damage is found when it is read, whatever QEMU makes of it.
  [constants.ZSTD_c_checksumFlag]: 1,
};
/**
 * Of the buffers for what comes out. Each one that is full costs a turn of Node's thread pool: with its 16 KiB that is
 * most of the time.
 */
const COMPRESSED_CHUNK_BYTES = 1024 * 1024;
/**
 * So much is compressed at a time, and so many such blocks at once, on all processors. Each is a frame of zstd with its length
 * before it in a skippable frame, as pzstd writes them.
 */
const BLOCK_BYTES = 4 * 1024 * 1024;
const AT_ONCE = 4;
/**
 * So much is taken before the first block is compressed: the processors are QEMU's and ours to read until the guest runs
 * again. More than a small guest uses; a large one runs while it is saved.
 */
const HELD_BYTES = 512 * 1024 * 1024;
const SKIPPABLE_MAGIC = 0x18_4d_2a_50;
const HEADER_BYTES = 12;
const MOST_FRAME_BYTES = BLOCK_BYTES + 64 * 1024;

const compress = promisify<Buffer, object, Buffer>(zstdCompress);
const decompress = promisify<Buffer, object, Buffer>(zstdDecompress);

/** Writes a stream to a new file, compressed. */
export async function writeFrames(stream: AsyncIterable<Buffer>, file: string): Promise<void> {
  const frames = inOrder(heldBack(blocksOf(stream), HELD_BYTES), async (block) => {
    const frame = await compress(block, { params: COMPRESSION, chunkSize: COMPRESSED_CHUNK_BYTES });
    return [headerOf(frame), frame];
  });
  await pipeline(flat(frames), createWriteStream(file, { flags: 'wx', mode: 0o600, highWaterMark: BLOCK_BYTES }));
}

/** Writes what a compressed file holds to a stream, and ends it. Rejects when the file is damaged, or when nobody takes it. */
export async function readFrames(file: string, stream: Writable): Promise<void> {
  await using handle = await open(file, 'r');
  const blocks = inOrder(framesOf(handle), (frame) =>
    decompress(frame, { maxOutputLength: BLOCK_BYTES, chunkSize: BLOCK_BYTES }),
  );
  await pipeline(blocks, stream);
}

/** Chunks put together to blocks of one length, but for the last. */
async function* blocksOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafe(BLOCK_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const count = chunk.copy(block, filled, from);
      from += count;
      filled += count;
      if (filled < BLOCK_BYTES) continue;
      yield block;
      block = Buffer.allocUnsafe(BLOCK_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** The same blocks, but none before so many bytes have come, or all. */
async function* heldBack(blocks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  const held: Buffer[] = [];
  let size = 0;
  for await (const block of blocks) {
    held.push(block);
    size += block.length;
    while (size > bytes) {
      const first = held.shift();
      if (first === undefined) break;
      size -= first.length;
      yield first;
    }
  }
  yield* held;
}

async function* framesOf(file: FileHandle): AsyncGenerator<Buffer> {
  const read = async (length: number, position: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
    if (bytesRead < length) throw new Error('the file ends in the middle');
    return buffer;
  };
  const { size } = await file.stat();
  for (let position = 0; position < size; ) {
    const header = await read(HEADER_BYTES, position);
    const length = header.readUInt32LE(8);
    if (header.readUInt32LE(0) !== SKIPPABLE_MAGIC || header.readUInt32LE(4) !== 4 || length > MOST_FRAME_BYTES) {
      throw new Error(`there is no frame at byte ${position}`);
    }
    yield await read(length, position + HEADER_BYTES);
    position += HEADER_BYTES + length;
  }
}

function headerOf(frame: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  header.writeUInt32LE(4, 4);
  header.writeUInt32LE(frame.length, 8);
  return header;
}

/** What becomes of each item, in their order, some of them worked on at once. */
async function* inOrder<T, R>(items: AsyncIterable<T>, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for await (const item of items) {
    const one = work(item);
    // It is looked at when its turn comes, which it does not when one before it fails.
    one.catch(() => {});
    begun.push(one);
    const [first] = begun;
    if (begun.length < AT_ONCE || first === undefined) continue;
    begun.shift();
    yield await first;
  }
  for (const one of begun) yield await one;
}

async function* flat<T>(lists: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const list of lists) yield* list;
}
