/** What the references of a recipe mean now, and what of it has changed since a pipeline's last image. */
import type { ComponentConfiguration } from '@aws-sdk/client-imagebuilder';
import type { Kysely } from 'kysely';
import { formatArn, parseArn } from '../contract/arn.ts';
import { resolveImage, resolveResource } from '../state/find-resource.ts';
import type { Database } from '../state/tables.ts';
import type { Definition } from './definitions.ts';
import { findManagedImage, MANAGED_BUILD, managedImageArn } from './parent-images.ts';
import type { Service } from './service.ts';

/** References as written, each with the ARN of the build that it means; with itself when it means nothing now. */
export type Dependencies = Readonly<Record<string, string>>;

export async function resolveDependencies(
  service: Service,
  db: Kysely<Database>,
  recipe: Definition,
): Promise<Dependencies> {
  const { parentImage, components = [] } = recipe.document as {
    parentImage: string;
    components?: ComponentConfiguration[];
  };
  const resolved: Record<string, string> = { [recipe.arn]: recipe.arn };
  resolved[parentImage] = await resolveParent(service, db, parentImage);
  for (const { componentArn = '' } of components) {
    resolved[componentArn] = (await resolveResource(db, componentArn))?.arn ?? componentArn;
  }
  return resolved;
}

async function resolveParent(service: Service, db: Kysely<Database>, parentImage: string): Promise<string> {
  const arn = parseArn(parentImage);
  if (arn?.kind !== 'image') return parentImage;
  if (arn.owner !== 'aws') return (await resolveImage(db, parentImage))?.arn ?? parentImage;
  const managed = findManagedImage(service, arn);
  return managed === undefined
    ? parentImage
    : formatArn({ ...managedImageArn(service, managed), build: MANAGED_BUILD });
}

/** What means something else than before, as `REFERENCE is now ARN`; what is no longer there is no update. */
export function updatesSince(before: Dependencies, now: Dependencies): readonly string[] {
  return Object.entries(now)
    .filter(([reference, arn]) => before[reference] !== arn)
    .map(([reference, arn]) => (reference === arn ? arn : `${arn} (${reference})`));
}
