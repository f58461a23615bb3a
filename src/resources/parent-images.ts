/** What `parentImage` of a recipe may name. */
import type { Transaction } from 'kysely';
import { formatArn, type ImageBuilderArn, parseArn } from '../contract/arn.ts';
import { invalidParameter, notFound, notYet } from '../contract/errors.ts';
import { fixedNodes, isSelectable, parseVersion } from '../contract/version.ts';
import { isOfAnotherAccount } from '../iam/sharing.ts';
import type { Database } from '../state/tables.ts';
import { invalidVersion } from './refusals.ts';
import type { ParentImage, Service, StoredAmi } from './service.ts';
import { findVisibleImage, sharedArn } from './sharing.ts';

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
  const arn = parentImageArn(service, parentImage);
  if (arn === undefined) {
    const { platform, osVersion } = await findAmi(service, trx, parentImage);
    return { platform, osVersion };
  }
  if (arn.owner === 'aws') return resolveManagedImage(service, arn);
  const image = await findVisibleImage(service, trx, parentImage);
  if (image === undefined || image.status !== 'AVAILABLE') throw notFound('parentImage', parentImage);
  return { platform: image.platform, osVersion: image.os_version ?? undefined, reference: parentImage };
}

/** The ARN that a parent image is named by; undefined for an AMI. Throws what can be neither. */
export function parentImageArn(
  { region }: Pick<Service, 'region'>,
  parentImage: string,
): (ImageBuilderArn & { readonly version: string }) | undefined {
  if (/^ami-[0-9a-f]+$/.test(parentImage)) return undefined;
  if (parentImage.startsWith('ssm:'))
    throw notYet(`SSM parameters as 'parentImage' ('${parentImage}')`, ['parentImage']);
  if (/^prod-[a-z0-9]+$/.test(parentImage))
    throw notYet(`Marketplace products as 'parentImage' ('${parentImage}')`, ['parentImage']);
  const arn = parseArn(parentImage);
  const version = arn?.version;
  if (arn === undefined || arn.kind !== 'image' || version === undefined) {
    throw invalidParameter(
      'parentImage',
      'It must be an AMI id (ami-…) or the ARN of an image with its version, e.g. ' +
        `arn:aws:imagebuilder:${region}:aws:image/debian-server-12-x86/x.x.x.`,
    );
  }
  if (arn.owner.startsWith('aws-'))
    throw notYet(`Marketplace images as 'parentImage' ('${parentImage}')`, ['parentImage']);
  if (!isSelectable(version)) {
    throw invalidVersion('parentImage', 'Every node to the right of an x must be x too.');
  }
  return { ...arn, version };
}

/**
 * An AMI that the account may use: its own, those of images that are shared with it, and what the catalogue made. Throws
 * InvalidParameterValueException for any other, as if it were not there.
 */
export async function findAmi(service: Service, trx: Transaction<Database>, amiId: string): Promise<StoredAmi> {
  const ami = await service.parentImages.ami(amiId);
  if (ami !== undefined && (ami.isOfCatalog || (await mayBuildOn(service, trx, ami)))) return ami;
  throw invalidParameter('parentImage', `The AMI '${amiId}' does not exist here.`);
}

async function mayBuildOn(service: Service, trx: Transaction<Database>, { madeBy }: StoredAmi): Promise<boolean> {
  if (madeBy === undefined) return service.accountId === service.homeAccountId;
  if (!isOfAnotherAccount(madeBy, service.accountId)) return true;
  return (await sharedArn(service, trx, 'image', madeBy)) !== undefined;
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
