import { parseArn } from '../contract/arn.ts';
import type { MachineImage } from '../image-store/image-store.ts';
import { resolveImage } from '../state/find-resource.ts';
import type { OutputAmi } from '../state/transitions/put-output-amis.ts';
import { BuildFailure } from '../util/faults.ts';
import type { Monitor } from '../util/monitor.ts';
import type { Engine } from './engine.ts';

interface ParentContext {
  readonly signal: AbortSignal;
  readonly monitor: Monitor;
}

/**
 * The machine image that a recipe's `parentImage` means now: a catalogue image (made when this is its first use), an
 * image of this installation, or an AMI. Throws a BuildFailure when there is none, a BuilderFault when making it fails.
 */
export async function resolveParentImage(
  engine: Engine,
  parentImage: string,
  context: ParentContext,
): Promise<MachineImage> {
  const amiId = parentImage.startsWith('ami-') ? parentImage : undefined;
  if (amiId !== undefined) return machineImage(engine, amiId, parentImage);
  const arn = parseArn(parentImage);
  if (arn?.kind !== 'image')
    throw new BuildFailure(`Parent image '${parentImage}' is neither an image ARN nor an AMI id`);
  if (arn.owner === 'aws') {
    if (engine.catalog.resolve(arn.slug) === undefined) {
      throw new BuildFailure(`Parent image '${parentImage}' is not in the catalogue`, {
        hint: '`kiln catalog` lists what is.',
      });
    }
    return engine.catalog.provide(arn.slug, context);
  }
  const row = await resolveImage(engine.db, parentImage);
  if (row === undefined || row.status !== 'AVAILABLE') {
    const state = row === undefined ? 'has no available build' : `is ${row.status}`;
    throw new BuildFailure(`Parent image '${parentImage}' ${state}`);
  }
  const own = amisOf(row.output_resources).find((ami) => ami.region === engine.region);
  if (own === undefined) throw new BuildFailure(`Parent image '${row.arn}' has no AMI in ${engine.region}`);
  return machineImage(engine, own.image, row.arn);
}

async function machineImage(engine: Engine, amiId: string, named: string): Promise<MachineImage> {
  const image = await engine.imageStore.get(amiId);
  if (image !== undefined) return image;
  const which = named === amiId ? `'${amiId}'` : `'${named}' (${amiId})`;
  throw new BuildFailure(`Parent image ${which} is not in the image store`, { hint: '`kiln import` adds images.' });
}

/** The AMIs of an image's OutputResources. */
function amisOf(outputResources: Readonly<Record<string, unknown>>): readonly OutputAmi[] {
  const amis = outputResources['amis'];
  return Array.isArray(amis) ? amis : [];
}
