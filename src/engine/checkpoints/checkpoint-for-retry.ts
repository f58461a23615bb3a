import type { CheckpointStore } from '../../image-store/checkpoint-store.ts';
import type { ImageRow } from '../../state/find-resource.ts';
import { type AskedBuild, buildHintOf } from './cache-hint.ts';
import { imageOf } from './component-record.ts';

/**
 * Whether a failed build, retried now, need not begin at its parent image: something is there that it left itself, or that it
 * took over from another build and may take over. The build looks again when it begins: what is gone by then, or counts no
 * longer because it is too old, is done anew.
 *
 * @param keys Of the states that its disk went through (state/checkpoints-on-record.ts).
 */
export async function hasCheckpointForRetry(
  store: Pick<CheckpointStore, 'list'>,
  image: AskedBuild & Pick<ImageRow, 'arn'>,
  keys: readonly string[],
): Promise<boolean> {
  const checkpoints = await store.list();
  // Also when a step did not live to note its keys.
  if (checkpoints.some(({ facts }) => imageOf(facts) === image.arn)) return true;
  const known = checkpoints.some(({ key }) => keys.includes(key));
  return known && buildHintOf(image)?.kind !== 'never';
}
