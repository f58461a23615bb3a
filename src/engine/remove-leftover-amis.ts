import { sql } from 'kysely';
import { STAGES } from '../state/image-states.ts';
import { coerceError } from '../util/faults.ts';
import { amiIdsOf } from './ami-id.ts';
import { amisOfStep } from './amis-of-step.ts';
import type { Engine } from './engine.ts';

/**
 * Removes AMIs that a lost worker made of a build that another one had ended already, and was killed before it removed
 * them itself. An AMI goes only when a step of such a build gave it its id, and neither a step nor the image has it on
 * record; those of deleted images stay, as theirs do at AWS.
 */
export async function removeLeftoverAmis({ db, imageStore, log }: Engine): Promise<void> {
  // What is made from here on is not among them.
  const amis = (await imageStore.list()).filter(({ source }) => source !== undefined);
  if (amis.length === 0) return;
  const images = await db
    .selectFrom('images')
    .select(['arn', 'epoch', 'output_resources'])
    .where('arn', '=', sql<string>`any(${amis.map(({ source }) => source)})`)
    .where('status', 'not in', STAGES)
    // Only who takes a build over leaves another worker that does not know of it.
    .where('epoch', '>', 1)
    .execute();
  if (images.length === 0) return;
  const arns = images.map(({ arn }) => arn);
  const steps = await db.selectFrom('workflow_step_executions').selectAll().where('image_arn', 'in', arns).execute();
  const epochs = new Map(images.map(({ arn, epoch }) => [arn, epoch]));
  const made = new Set(steps.flatMap(({ id, image_arn: arn }) => amiIdsOf(id, epochs.get(arn) ?? 0)));
  const outputs = images.flatMap((image) => (image.output_resources['amis'] ?? []) as readonly { image: string }[]);
  const known = new Set([...outputs.map(({ image }) => image), ...steps.flatMap(amisOfStep)]);
  // The newest first: an AMI that another one was made from cannot be removed before that.
  for (const { amiId, source } of amis.toReversed()) {
    if (!made.has(amiId) || known.has(amiId)) continue;
    log.warn({ amiId, image: source }, 'removing a left-over AMI');
    await imageStore.remove(amiId).catch((error: unknown) => {
      log.error({ err: coerceError(error), amiId }, 'a left-over AMI could not be removed');
    });
  }
}
