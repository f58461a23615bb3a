import type { CheckpointStore } from '../image-store/checkpoint-store.ts';
import { openCheckpointStore } from '../image-store/files/checkpoints.ts';
import type { Config } from './config.ts';

const GIB = 2 ** 30;
/** What checkpoints leave to builds. */
const MIN_FREE_BYTES = 4 * GIB;

export function openCheckpoints({ home, cacheSizeGiB }: Config): Promise<CheckpointStore> {
  return openCheckpointStore({ folder: home.images, limitBytes: cacheSizeGiB * GIB, minFreeBytes: MIN_FREE_BYTES });
}
