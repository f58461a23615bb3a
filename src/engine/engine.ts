import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { BuildHost } from '../build-host/build-host.ts';
import type { Catalog, ImageStore } from '../image-store/image-store.ts';
import type { Database } from '../state/tables.ts';
import type { RunServices } from '../toe/run-services.ts';
import type { Clock } from '../util/clock.ts';

/** What builds are run with. Made once in cmd/. */
export interface Engine {
  readonly db: Kysely<Database>;
  readonly buildHost: BuildHost;
  readonly imageStore: ImageStore;
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** The operator's log; lines of a build go to the build's own log. */
  readonly log: Logger;
  /** This installation. Its unfinished builds are its own to recover after a crash. */
  readonly workerId: string;
  /** 12 digits. */
  readonly accountId: string;
  readonly region: string;
  /** What component documents may use beyond the instance. Default: only components. */
  readonly services?: Pick<RunServices, 'parameters' | 'objects'>;
}
