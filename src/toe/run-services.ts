import type { Readable } from 'node:stream';

/**
 * What a run may use beyond its target. All of it is asked for on this machine, with credentials that never reach the
 * target. A service that is missing is not configured: the step that needs it fails and says so.
 */
export interface RunServices {
  readonly parameters?: ParameterStore;
  readonly objects?: ObjectStore;
  readonly components?: ComponentSource;
  readonly metadata?: InstanceMetadata;
}

/** `{{ aws:imds:PATH }}`, relative to `meta-data/`. Undefined for what the instance does not have. */
export type InstanceMetadata = (path: string, signal: AbortSignal) => Promise<string | undefined>;

/** `{{ aws:ssm:NAME }}`. Undefined for a parameter that does not exist. */
export type ParameterStore = (name: string, signal: AbortSignal) => Promise<StoredParameter | undefined>;

/** Creates a parameter or gives it a new value. */
export type ParameterWriter = (parameter: NewParameter, signal: AbortSignal) => Promise<void>;

export interface NewParameter {
  readonly name: string;
  readonly value: string;
  readonly dataType: 'text' | 'aws:ec2:image';
}

export interface StoredParameter {
  /** The items of a list are joined by commas. */
  readonly value: string;
  /** Masked wherever it would be shown. */
  readonly secret: boolean;
}

/** The text of a component's document. An ARN without a build number means its newest build. */
export type ComponentSource = (
  arn: string,
  signal: AbortSignal,
) => Promise<{ readonly arn: string; readonly text: string }>;

export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
  /** Account that must own the bucket. */
  readonly expectedOwner: string | undefined;
}

/** Amazon S3 or what speaks its API. Rejects with an Error whose message says what the service said. */
export interface ObjectStore {
  /** Undefined when there is no such object. Whoever gets the body reads it to its end or destroys it. */
  get(place: ObjectPlace, signal: AbortSignal): Promise<StoredObject | undefined>;
  /** Keys that begin with `key`, in order, at most `limit`. */
  list(place: ObjectPlace, limit: number, signal: AbortSignal): Promise<readonly string[]>;
  /** As `list`, with the tag of each content. */
  etags(
    place: ObjectPlace,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly { readonly key: string; readonly etag: string }[]>;
  put(place: ObjectPlace, body: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Begins an object of several parts. Whoever begins it ends it with `complete` or `abort`. */
  upload(place: ObjectPlace, signal: AbortSignal): Promise<ObjectUpload>;
}

export interface StoredObject {
  readonly size: number;
  readonly body: Readable;
}

export interface ObjectUpload {
  /** Parts in order; each but the last has at least 5 MiB. */
  part(body: Uint8Array, signal: AbortSignal): Promise<void>;
  complete(signal: AbortSignal): Promise<void>;
  abort(): Promise<void>;
}
