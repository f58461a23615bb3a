import type { Kysely } from 'kysely';
import type { Caller } from '../contract/operations.ts';
import type { WorkflowDocument } from '../documents/workflow.ts';
import type { ImageRow } from '../state/find-resource.ts';
import type { Database } from '../state/tables.ts';
import type { Clock } from '../util/clock.ts';
import type { Quotas } from './quota-table.ts';

/** What every operation is given beside its input. Built once in cmd/. */
export interface Service {
  readonly db: Kysely<Database>;
  readonly clock: Clock;
  /** For which account an operation runs: that of the caller. 12 digits. */
  readonly accountId: string;
  /** The account of the installation: AMIs that were imported are its own. */
  readonly homeAccountId: string;
  /** Who asks; undefined for what the service does by itself, on a schedule. */
  readonly caller?: Pick<Caller, 'principalArn' | 'context'>;
  readonly region: string;
  readonly parentImages: ParentImages;
  /** The workflows that come with Kiln. */
  readonly managedWorkflows: readonly ManagedWorkflow[];
  readonly amis: Amis;
  readonly checkpoints: Checkpoints;
  readonly jobs: BuildQueue;
  /** Reads `s3://bucket/key` for `uri` members, or throws an AwsError that says why it cannot be read. */
  readonly readUri: (uri: string) => Promise<string>;
  /** Makes page tokens opaque and unforgeable; sealed with a key of this installation. */
  readonly pageTokens: PageTokens;
  readonly quotas: Quotas;
}

/** Knows the images that a recipe may name as parent and that are not Image Builder images of this account. */
export interface ParentImages {
  /** A catalogue name (`debian-server-12-x86`); undefined when the catalogue has none. */
  managed(name: string): ParentImage | undefined;
  /** All catalogue images, for `owner: Amazon` lists. */
  listManaged(): readonly ParentImage[];
  /** An AMI of this installation, whoever owns it. */
  ami(amiId: string): Promise<StoredAmi | undefined>;
}

export interface ParentImage {
  readonly name: string;
  /** `2026.11.23` for catalogue images. */
  readonly version: string;
  readonly platform: 'Linux' | 'Windows' | 'macOS';
  readonly osVersion: string | undefined;
  readonly description: string | undefined;
}

export interface StoredAmi extends ParentImage {
  /** The image build version that made it; undefined when it was imported or is of the catalogue. */
  readonly madeBy: string | undefined;
  /** Whether it is the disk of a catalogue image, which is everybody's. */
  readonly isOfCatalog: boolean;
}

/** A workflow of Amazon's: ARN of its build version, text, and what the text means. */
export interface ManagedWorkflow {
  readonly arn: string;
  readonly text: string;
  readonly document: WorkflowDocument;
}

/** The AMIs of this installation. */
export interface Amis {
  /**
   * Removes an AMI with its disk, for good; one that is not there any more is no error.
   * Throws an error that says why when it must stay: other images are built on it.
   */
  remove(amiId: string): Promise<void>;
}

/** What builds left on disks of this home. That of workers of other homes is not known. */
export interface Checkpoints {
  /** Whether a failed build, retried, would find one; `keys` are those of the states that its disk went through. */
  hasForRetry(image: ImageRow, keys: readonly string[]): Promise<boolean>;
}

/** Queues the build of an image in the caller's transaction: both commit or neither does. */
export interface BuildQueue {
  enqueue(trx: Kysely<Database>, imageBuildVersionArn: string): Promise<void>;
}

/** What checks of requests may know beside the request: nothing that is anybody's. */
export type CheckContext = Pick<Service, 'clock' | 'quotas' | 'region'>;

export interface PageTokens {
  seal(payload: Readonly<Record<string, unknown>>): string;
  /** Throws InvalidPaginationTokenException when the token is not one of ours. */
  open(token: string): Readonly<Record<string, unknown>>;
}
