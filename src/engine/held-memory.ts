import type { Kysely } from 'kysely';
import type { BuildHost } from '../build-host/build-host.ts';
import { parseArn } from '../contract/arn.ts';
import type { Database } from '../state/tables.ts';
import type { WorkerRoom } from './admission.ts';

/**
 * MiB of memory that instances on this machine hold which no build of this worker runs on, by their image: those that were
 * kept, those of builds that wait for an answer, and those of other workers of this place.
 *
 * @param running ARNs of the builds of this worker.
 */
export async function heldMemory(
  { db, buildHost }: { readonly db: Kysely<Database>; readonly buildHost: Pick<BuildHost, 'list'> },
  running: readonly string[],
  { demandOf }: Pick<WorkerRoom, 'demandOf'>,
): Promise<ReadonlyMap<string, number>> {
  const instances = (await buildHost.list()).filter(
    (instance) => instance.running && !running.includes(instance.owner),
  );
  const owners = instances.map(({ owner }) => owner).filter((owner) => parseArn(owner)?.kind === 'image');
  if (owners.length === 0) return new Map();
  const images = db.selectFrom('images').select(['arn', 'infrastructure_configuration', 'image_recipe']);
  const found = await images.where('arn', 'in', owners).execute();
  return new Map(
    found.map((image) => {
      const count = owners.filter((owner) => owner === image.arn).length;
      return [image.arn, count * demandOf(image).memoryMiB];
    }),
  );
}
