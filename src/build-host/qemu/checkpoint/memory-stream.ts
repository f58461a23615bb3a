import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { connectInFolder } from '../unix-socket.ts';

/** Memory is read as fast as QEMU gives it: while it waits for us, the guest does. */
const COMPRESSION = {
  [constants.ZSTD_c_compressionLevel]: 1,
  // Damage is found when it is read, whatever QEMU makes of it.
  [constants.ZSTD_c_checksumFlag]: 1,
};
const CHUNK_BYTES = 1024 * 1024;

export interface MemoryReceiver extends AsyncDisposable {
  /** Resolves when QEMU has sent everything and it is in the file. */
  readonly received: Promise<void>;
}

/** Listens on the unix socket `name` in `folder` for one stream, and writes it to a new file, compressed. */
export async function receiveMemory(folder: string, name: string, file: string): Promise<MemoryReceiver> {
  const server = createServer();
  // A path of our own to the folder: that of a unix socket may have 107 bytes.
  const handle = await open(folder, 'r');
  try {
    server.listen(`/proc/self/fd/${handle.fd}/${name}`);
    await once(server, 'listening');
  } catch (error) {
    await handle.close();
    throw error;
  }
  const over = new AbortController();
  const received = (async () => {
    const [socket]: Socket[] = await once(server, 'connection', { signal: over.signal });
    if (socket === undefined) return;
    await pipeline(
      socket,
      createZstdCompress({ params: COMPRESSION, chunkSize: CHUNK_BYTES }),
      createWriteStream(file, { flags: 'wx', mode: 0o600, highWaterMark: CHUNK_BYTES }),
      { signal: over.signal },
    );
  })();
  // Whoever waits for it may be gone by then.
  received.catch(() => {});
  return {
    received,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await new Promise((resolve) => server.close(resolve));
      await handle.close();
    },
  };
}

/** Sends a compressed file to the unix socket `name` in `folder`. Rejects when it is damaged, or when nobody takes it. */
export async function sendMemory(folder: string, name: string, file: string, signal: AbortSignal): Promise<void> {
  await pipeline(
    createReadStream(file, { highWaterMark: CHUNK_BYTES }),
    createZstdDecompress({ chunkSize: CHUNK_BYTES }),
    await connectInFolder(folder, name),
    { signal },
  );
}
