/** Bytes a second at which layers are read for their digest and brought to the platter, on a slow disk. */
const BYTES_PER_SECOND = 200 * 1024 * 1024;
/** Of the record and of a later look at it. */
const FIXED_SECONDS = 0.1;

/**
 * Whether a checkpoint pays: what the next build saves by it must be worth twice the work of keeping it, because not every
 * checkpoint is used again.
 */
export function isWorthKeeping(savedSeconds: number, bytes: number): boolean {
  return savedSeconds >= 2 * (FIXED_SECONDS + bytes / BYTES_PER_SECOND);
}
