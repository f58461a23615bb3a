import type { Transaction } from 'kysely';
import { formatArn, type ImageBuilderArn } from '../contract/arn.ts';
import { resolveResource, slugColumn } from '../state/find-resource.ts';
import { nextBuild } from '../state/next-build.ts';
import type { Database } from '../state/tables.ts';
import { insertDefinition } from './definitions.ts';
import { canonicalJson } from './idempotency.ts';
import { alreadyExists } from './refusals.ts';
import type { Service } from './service.ts';
import { versionNodes } from './versions.ts';

export interface NewBuild {
  readonly kind: 'component' | 'workflow';
  /** Of its version, without build. */
  readonly of: ImageBuilderArn;
  /** As Get answers it, without `arn`, `tags` and `dateCreated`. */
  readonly content: { readonly name: string; readonly version: string; readonly [member: string]: unknown };
  readonly tags: Readonly<Record<string, string>> | undefined;
}

/**
 * Inserts the next build of a component's or workflow's version. Content that equals that of the newest build is
 * refused, as AWS does; taking the build number first makes concurrent requests compare with each other's builds.
 */
export async function insertBuild(
  service: Service,
  trx: Transaction<Database>,
  { kind, of, content, tags }: NewBuild,
): Promise<string> {
  const build = await nextBuild(trx, {
    kind,
    accountId: service.accountId,
    region: service.region,
    slug: slugColumn(of),
    nodes: versionNodes('semanticVersion', content.version),
  });
  const newest = await resolveResource(trx, formatArn(of));
  if (newest !== undefined) {
    const { dateCreated: _date, ...known } = newest.document;
    if (canonicalJson(known) === canonicalJson(content)) throw alreadyExists(kind, newest.arn);
  }
  const arn = { ...of, kind, build };
  const document = { ...content, dateCreated: service.clock.now().toISOString() };
  return await insertDefinition(service, trx, { arn, name: content.name, document, tags });
}
