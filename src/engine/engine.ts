import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { BuildHost } from '../build-host/build-host.ts';
import type { Functions } from '../functions/functions.ts';
import type { CheckpointStore } from '../image-store/checkpoint-store.ts';
import type { Catalog, ImageStore } from '../image-store/image-store.ts';
import type { BuildJobs } from '../state/build-jobs.ts';
import type { Database } from '../state/tables.ts';
import type { StateMachines } from '../state-machines/state-machines.ts';
import type { ParameterWriter, RunServices } from '../toe/run-services.ts';
import type { Clock } from '../util/clock.ts';
import type { MachineFacts } from './checkpoints/build-ground.ts';
import type { Durations } from './checkpoints/durations.ts';
import type { WebRequest } from './checkpoints/web-request.ts';
import type { WorkerPlace } from './worker-place.ts';

/** What builds are run with. Made once in cmd/. */
export interface Engine {
  readonly db: Kysely<Database>;
  readonly buildHost: BuildHost;
  readonly imageStore: ImageStore;
  readonly catalog: Catalog;
  /** Where builds that wait for somebody are queued for later. */
  readonly jobs: Pick<BuildJobs, 'enqueue'>;
  readonly clock: Clock;
  /** How long a build waits for a database that is away before it is let go; default: half a minute. */
  readonly databasePatienceMs?: number;
  /** The operator's log; lines of a build go to the build's own log. */
  readonly log: Logger;
  /** This process, as a claimant of builds. */
  readonly workerId: string;
  readonly place: WorkerPlace;
  /** 12 digits. */
  readonly accountId: string;
  readonly region: string;
  /** States of disks that builds leave to later ones. Default: none are made or used. */
  readonly checkpoints?: CheckpointStore;
  /** How web servers are asked what there is. Default: none is, and nothing that is downloaded has a state. */
  readonly webRequest?: WebRequest;
  /** Where it is noted how long things take. Default: nowhere. */
  readonly durations?: Durations;
  /** What of this host and its machines may show in disks. Default: it is not known, and is in no key. */
  readonly machineFacts?: MachineFacts;
  /** What component documents may use beyond the instance. Default: only components. */
  readonly services?: Pick<RunServices, 'parameters' | 'objects'>;
  /** Writes parameters of Parameter Store; undefined: there is none. */
  readonly putParameter?: ParameterWriter;
  /** Functions that workflows call; undefined: there are none. */
  readonly functions?: Functions;
  /** State machines that workflows start; undefined: there are none. */
  readonly stateMachines?: StateMachines;
}
