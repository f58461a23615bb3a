/** Definitions without versions: one per name, replaced as a whole by an update. */
import type { Transaction } from 'kysely';
import type { Database, ResourceKind } from '../state/tables.ts';
import { insertDefinition, lockDefinition, ownArn, updateDefinition } from './definitions.ts';
import type { Service } from './service.ts';

type NamedKind = Extract<
  ResourceKind,
  'infrastructure-configuration' | 'distribution-configuration' | 'lifecycle-policy' | 'image-pipeline'
>;

interface Named {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** Throws as insertDefinition does. @returns its ARN */
export async function createNamed(
  service: Service,
  trx: Transaction<Database>,
  kind: NamedKind,
  { name, tags }: Named,
  settings: object,
): Promise<string> {
  return insertDefinition(service, trx, {
    arn: { ...ownArn(service, kind, name), kind },
    name,
    document: { name, ...settings, dateCreated: service.clock.now().toISOString() },
    tags,
  });
}

/**
 * Replaces everything but name, creation date and tags; what `settings` leaves out is gone. Throws
 * ResourceNotFoundException of `parameter`.
 *
 * @param check is given what is there and may throw
 */
export async function updateNamed(
  service: Service,
  trx: Transaction<Database>,
  kind: NamedKind,
  { arn, parameter }: { readonly arn: string; readonly parameter: string },
  settings: object,
  check: (document: Readonly<Record<string, unknown>>) => void = () => {},
): Promise<void> {
  const { document } = await lockDefinition(trx, kind, arn, parameter);
  check(document);
  await updateDefinition(service, trx, arn, {
    name: document['name'],
    ...settings,
    dateCreated: document['dateCreated'],
    dateUpdated: service.clock.now().toISOString(),
  });
}
