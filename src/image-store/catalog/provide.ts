import type { Clock } from '../../util/clock.ts';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import { type Layout, lockPath } from '../files/layout.ts';
import { makeWorkFolder } from '../files/work-folder.ts';
import { CATALOG_SOURCE_PREFIX, type ImageStore, type MachineImage, type StoreContext } from '../image-store.ts';
import { type BootstrapHost, bootstrapDebian } from './bootstrap/debian-bootstrap.ts';
import { fetchCloudImage } from './cloud-image/cloud-image.ts';
import { type CatalogDefinition, type CatalogSource, describeSource } from './definition.types.ts';
import { findMade } from './find-made.ts';

export interface Provider {
  readonly imageStore: ImageStore;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly host: BootstrapHost | undefined;
}

/** Gives the machine image of an entry; the first caller of all processes makes it, the others wait. */
export async function provide(
  provider: Provider,
  definition: CatalogDefinition,
  context: StoreContext,
): Promise<MachineImage> {
  const made = await findMade(provider.imageStore, definition.name);
  if (made !== undefined) return made;
  const lock = lockPath(provider.layout, `catalog-${definition.name}`);
  await using _lock = await lockFile(lock, context.signal, () =>
    context.monitor.line('kiln', `${definition.name} is being made by somebody else; waiting`),
  );
  return (await findMade(provider.imageStore, definition.name)) ?? (await make(provider, definition, context));
}

async function make(provider: Provider, definition: CatalogDefinition, context: StoreContext): Promise<MachineImage> {
  const failures: { readonly source: CatalogSource; readonly error: Error }[] = [];
  for (const source of definition.sources) {
    context.monitor.line('kiln', `making ${definition.name}: ${describeSource(source)}`);
    try {
      await using folder = await makeWorkFolder(provider.layout);
      const file = await makeDisk(provider, definition, source, folder.path, context);
      return await provider.imageStore.import(
        {
          file,
          name: definition.name,
          platform: 'Linux',
          osVersion: definition.osVersion,
          source: `${CATALOG_SOURCE_PREFIX}${definition.name}`,
        },
        context,
      );
    } catch (thrown) {
      context.signal.throwIfAborted();
      const error = coerceError(thrown);
      context.monitor.line('kiln', `${describeSource(source)} failed: ${sentence(error)}`);
      failures.push({ source, error });
    }
  }
  throw allFailed(definition, failures);
}

async function makeDisk(
  { clock, host }: Provider,
  definition: CatalogDefinition,
  source: CatalogSource,
  folder: string,
  context: StoreContext,
): Promise<string> {
  switch (source.kind) {
    case 'cloud-image':
      return await fetchCloudImage(source, folder, context);
    case 'debian-bootstrap':
      return await bootstrapDebian(source, definition.name, clock.now(), folder, context, host);
  }
}

function allFailed(
  definition: CatalogDefinition,
  failures: readonly { readonly source: CatalogSource; readonly error: Error }[],
): BuilderFault {
  const reasons = failures.map(({ source, error }) => `${describeSource(source)}: ${sentence(error)}`);
  const errors = failures.map(({ error }) => error);
  // The first source that only lacks a package is the quickest to mend.
  const missing = errors.find((error) => error instanceof BuilderFault && error.missingPrerequisite);
  const hint = [missing, ...errors].find((error) => error instanceof BuilderFault && error.hint !== undefined);
  return new BuilderFault(`The base image ${definition.name} cannot be made. ${reasons.join('; ')}`, {
    where: definition.name,
    ...(hint instanceof BuilderFault && hint.hint !== undefined ? { hint: hint.hint } : {}),
    missingPrerequisite: missing !== undefined,
    cause: new AggregateError(errors),
  });
}

function sentence(error: Error): string {
  return error instanceof BuilderFault && error.where !== undefined
    ? `${error.message} (${error.where})`
    : error.message;
}
