import { type Clock, systemClock } from '../../util/clock.ts';
import { BuilderFault } from '../../util/faults.ts';
import { didYouMean } from '../../util/problem.ts';
import { makeLayout } from '../files/layout.ts';
import type { Catalog, CatalogEntry, ImageStore, MachineImage } from '../image-store.ts';
import type { BootstrapHost } from './bootstrap/debian-bootstrap.ts';
import { type CatalogDefinition, describeSource } from './definition.types.ts';
import { definitions } from './definitions/index.ts';
import { findMade } from './find-made.ts';

export interface CatalogOptions {
  readonly imageStore: ImageStore;
  /** That of the image store. */
  readonly folder: string;
  readonly clock?: Clock;
  readonly definitions?: readonly CatalogDefinition[];
  /** Default: this machine. */
  readonly host?: BootstrapHost;
}

/** The catalogue of base images over an image store. */
export function openCatalog(options: CatalogOptions): Catalog {
  const { imageStore, folder, clock = systemClock, host } = options;
  const known = new Map((options.definitions ?? definitions).map((definition) => [definition.name, definition]));
  return {
    async list() {
      return await Promise.all(
        [...known.values()].map(async (definition) =>
          describe(definition, clock.now(), await findMade(imageStore, definition.name)),
        ),
      );
    },
    resolve(name) {
      const definition = known.get(name);
      return definition === undefined ? undefined : describe(definition, clock.now(), undefined);
    },
    async provide(name, context) {
      const definition = known.get(name);
      if (definition === undefined) {
        const nearest = didYouMean(name, known.keys());
        throw new BuilderFault(`The catalogue has no base image ${name}`, {
          hint: nearest === undefined ? 'kiln catalog lists those it has.' : `Did you mean ${nearest}?`,
        });
      }
      // Made once in the life of a home; everything else only looks.
      const { provide } = await import('./provide.ts');
      return await provide({ imageStore, layout: await makeLayout(folder), clock, host }, definition, context);
    },
  };
}

function describe(definition: CatalogDefinition, now: Date, made: MachineImage | undefined): CatalogEntry {
  return {
    name: definition.name,
    displayName: definition.displayName,
    platform: 'Linux',
    osVersion: definition.osVersion,
    architecture: definition.architecture,
    description: definition.description,
    version: versionOf(made === undefined ? now : new Date(made.createdAt)),
    ...(made === undefined ? {} : { amiId: made.amiId }),
    sources: definition.sources.map(describeSource),
  };
}

/** As AWS versions its managed images, by the day: `2026.3.9`. */
function versionOf(date: Date): string {
  return `${date.getUTCFullYear()}.${date.getUTCMonth() + 1}.${date.getUTCDate()}`;
}
