import { notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { findImage } from '../state/find-resource.ts';
import { listPage } from './lists.ts';
import type { Service } from './service.ts';

/** The packages that CollectImageMetadata found, in its order. */
export async function listImagePackages(
  service: Service,
  input: InputOf<'ListImagePackages'>,
): Promise<OutputOf<'ListImagePackages'>> {
  const { imageBuildVersionArn } = input;
  if ((await findImage(service.db, imageBuildVersionArn)) === undefined) {
    throw notFound('imageBuildVersionArn', imageBuildVersionArn);
  }
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImagePackages',
    read: (after, limit) =>
      service.db
        .selectFrom('image_packages')
        .selectAll()
        .where('image_arn', '=', imageBuildVersionArn)
        .where('position', '>', Number(after?.[0] ?? -1))
        .orderBy('position')
        .limit(limit)
        .execute(),
    cursor: (row) => [row.position],
    item: (row) => ({ packageName: row.package_name, packageVersion: row.package_version }),
  });
  return { imagePackageList: items, ...next };
}
