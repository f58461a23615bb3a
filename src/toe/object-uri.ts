import { coerceError } from '../util/faults.ts';
import type { ObjectPlace, ObjectStore, RunServices } from './run-services.ts';
import { StepFailedError } from './step-failed.ts';

/**
 * Reads `s3://bucket/key`. The key may be empty, and is taken as it is: nothing in it is decoded.
 *
 * @throws StepFailedError for everything else.
 */
export function parseObjectUri(uri: string, expectedOwner: string | undefined): ObjectPlace {
  const found = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/s.exec(uri);
  if (found === null) throw new StepFailedError(`'${uri}' is not of the form s3://bucket/key`);
  const [, bucket = '', key = ''] = found;
  if (expectedOwner !== undefined && !/^\d{12}$/.test(expectedOwner)) {
    throw new StepFailedError(`the expected owner of the bucket must be an account id of 12 digits`);
  }
  return { bucket, key, expectedOwner };
}

/** The object store of a run. */
export function objectsOf({ objects }: RunServices): ObjectStore {
  if (objects !== undefined) return objects;
  throw new StepFailedError(
    'no credentials for S3 are configured on this machine: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
  );
}

/** A request to the store: what it says against it fails the step; an abort passes through. */
export async function asking<Result>(request: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return request.catch((error: unknown) => {
    signal.throwIfAborted();
    throw error instanceof StepFailedError ? error : new StepFailedError(coerceError(error).message);
  });
}

/** A text object of at most so many bytes. */
export async function readObjectText(
  place: ObjectPlace,
  maxBytes: number,
  services: RunServices,
  signal: AbortSignal,
): Promise<string> {
  const object = await asking(objectsOf(services).get(place, signal), signal);
  if (object === undefined) throw new StepFailedError(`there is no object s3://${place.bucket}/${place.key}`);
  if (object.size > maxBytes) {
    object.body.destroy();
    throw new StepFailedError(`s3://${place.bucket}/${place.key} is larger than ${maxBytes} bytes`);
  }
  return asking(
    object.body.toArray().then((chunks) => Buffer.concat(chunks).toString('utf8')),
    signal,
  );
}
