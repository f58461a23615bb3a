import { open } from 'node:fs/promises';

/** At most so many bytes of a file's beginning, as text: what is longer than allowed need not be read to be refused. */
export async function readStart(path: string, maxBytes: number): Promise<string> {
  await using file = await open(path, 'r');
  const bytes = Buffer.alloc(maxBytes);
  let size = 0;
  for (let read = -1; read !== 0 && size < bytes.length; size += read) {
    read = (await file.read(bytes, size, bytes.length - size, null)).bytesRead;
  }
  return bytes.toString('utf8', 0, size);
}
