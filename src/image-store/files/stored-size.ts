import { stat } from 'node:fs/promises';

const BLOCK_BYTES = 512;

/** What a file takes on its file system; less than its length when it has holes. */
export async function allocatedBytes(file: string): Promise<number> {
  return (await stat(file)).blocks * BLOCK_BYTES;
}
