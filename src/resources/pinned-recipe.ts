import type { ImageRecipe } from '@aws-sdk/client-imagebuilder';
import type { Transaction } from 'kysely';
import type { Database } from '../state/tables.ts';
import { findAmi } from './parent-images.ts';
import type { Service } from './service.ts';
import { visibleArn } from './sharing.ts';

/**
 * A recipe as its build will use it: what belongs to other accounts becomes the exact build that is shared now, because
 * the worker looks components up later and knows nobody's permissions. Throws AccessDeniedException when something is
 * not shared any more.
 */
export async function pinnedRecipe(
  service: Service,
  trx: Transaction<Database>,
  recipe: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const { components, parentImage = '' }: Pick<ImageRecipe, 'components' | 'parentImage'> = recipe;
  const pinned = [];
  for (const component of components ?? []) {
    const { componentArn = '' } = component;
    pinned.push({ ...component, componentArn: await visibleArn(service, trx, 'component', componentArn) });
  }
  return {
    ...recipe,
    ...(components === undefined ? {} : { components: pinned }),
    parentImage: await pinnedParent(service, trx, parentImage),
  };
}

async function pinnedParent(service: Service, trx: Transaction<Database>, parentImage: string): Promise<string> {
  if (!parentImage.startsWith('ami-')) return visibleArn(service, trx, 'image', parentImage);
  await findAmi(service, trx, parentImage);
  return parentImage;
}
