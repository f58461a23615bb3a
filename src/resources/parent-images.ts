/** What `parentImage` of a recipe may name. */
import type { Transaction } from 'kysely';
import { formatArn, type ImageBuilderArn, parseArn } from '../contract/arn.ts';
import { invalidParameter, notFound, notYet } from '../contract/errors.ts';
import { fixedNodes, isSelectable, parseVersion } from '../contract/version.ts';
import { resolveImage } from '../state/find-resource.ts';
import type { Database } from '../state/tables.ts';
import { invalidVersion } from './refusals.ts';
import type { ParentImage, Service } from './service.ts';

export interface ResolvedParent {
  readonly platform: ParentImage['platform'];
  readonly osVersion: string | undefined;
  /** Set when it is an image of this account: the reference as written. */
  readonly reference?: string;
}

/**
 * The image that `parentImage` means now. The build resolves it again when it starts; here its platform is taken and
 * what does not exist is refused.
 */
export async function resolveParentImage(
  service: Service,
  trx: Transaction<Database>,
  parentImage: string,
): Promise<ResolvedParent> {
  if (/^ami-[0-9a-f]+$/.test(parentImage)) {
    const ami = await service.parentImages.ami(parentImage);
    if (ami === undefined) throw invalidParameter('parentImage', `The AMI '${parentImage}' does not exist here.`);
    return { platform: ami.platform, osVersion: ami.osVersion };
  }
  if (parentImage.startsWith('ssm:')) throw notYet(`SSM parameters as 'parentImage' ('${parentImage}')`);
  if (/^prod-[a-z0-9]+$/.test(parentImage)) throw notYet(`Marketplace products as 'parentImage' ('${parentImage}')`);
  const arn = parseArn(parentImage);
  if (arn === undefined || arn.kind !== 'image' || arn.version === undefined) {
    throw invalidParameter(
      'parentImage',
      'It must be an AMI id (ami-…) or the ARN of an image with its version, e.g. ' +
        `arn:aws:imagebuilder:${service.region}:aws:image/debian-server-12-x86/x.x.x.`,
    );
  }
  if (arn.owner.startsWith('aws-')) throw notYet(`Marketplace images as 'parentImage' ('${parentImage}')`);
  if (!isSelectable(arn.version)) {
    throw invalidVersion('parentImage', 'Every node to the right of an x must be x too.');
  }
  if (arn.owner === 'aws') return resolveManagedImage(service, arn);
  const image = await resolveImage(trx, parentImage);
  if (image === undefined || image.status !== 'AVAILABLE') throw notFound('parentImage', parentImage);
  return { platform: image.platform, osVersion: image.os_version ?? undefined, reference: parentImage };
}

function resolveManagedImage(service: Service, arn: ImageBuilderArn): ResolvedParent {
  const image = findManagedImage(service, arn);
  if (image === undefined) {
    const names = service.parentImages.listManaged().map((managed) => managed.name);
    throw invalidParameter(
      'parentImage',
      `There is no image '${formatArn(arn)}' in the catalogue of this installation, which has ${names.join(', ')}.`,
    );
  }
  return { platform: image.platform, osVersion: image.osVersion };
}

/** The catalogue image that an ARN with owner `aws` means, with or without wildcards and build. */
export function findManagedImage(service: Service, arn: ImageBuilderArn): ParentImage | undefined {
  if (arn.region !== service.region || arn.version === undefined) return undefined;
  const image = service.parentImages.managed(arn.slug);
  const nodes = image === undefined ? undefined : parseVersion(image.version);
  if (nodes === undefined) return undefined;
  const wanted = fixedNodes(arn.version);
  const matches = wanted.every((node, index) => node === nodes[index]);
  return matches && (arn.build === undefined || arn.build === MANAGED_BUILD) ? image : undefined;
}

/** Catalogue images have one build per version. */
export const MANAGED_BUILD = 1;

export function managedImageArn(service: Service, image: ParentImage): ImageBuilderArn {
  return {
    partition: 'aws',
    region: service.region,
    owner: 'aws',
    kind: 'image',
    slug: image.name,
    version: image.version,
  };
}
