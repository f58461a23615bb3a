import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectPlace, ObjectStore, ObjectUpload } from '../run-services.ts';
import { type AwsSettings, clientConfig } from './aws-settings.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

/**
 * Amazon S3, or with an endpoint of one's own what speaks its API (MinIO, Garage, Swift). The SDK is loaded when it is
 * first needed.
 */
export function s3Objects(settings: AwsSettings): ObjectStore {
  let opened: Promise<{ sdk: Sdk; client: S3Client }> | undefined;
  const open = (): Promise<{ sdk: Sdk; client: S3Client }> => {
    opened ??= import('@aws-sdk/client-s3').then((sdk) => ({ sdk, client: new sdk.S3Client(configOf(settings)) }));
    return opened;
  };
  async function listObjects(place: ObjectPlace, limit: number, signal: AbortSignal) {
    const { sdk, client } = await open();
    const { Key: prefix, ...rest } = inputOf(place);
    const found: { key: string; etag: string }[] = [];
    let token: string | undefined;
    do {
      const request = { ...rest, Prefix: prefix, ...(token === undefined ? {} : { ContinuationToken: token }) };
      const answer = await client
        .send(new sdk.ListObjectsV2Command(request), { abortSignal: signal })
        .catch((error: unknown) => {
          throw explain(error, 'list', place);
        });
      for (const { Key, ETag = '' } of answer.Contents ?? [])
        if (Key !== undefined) found.push({ key: Key, etag: ETag });
      token = answer.NextContinuationToken;
    } while (token !== undefined && found.length < limit);
    return found.slice(0, limit);
  }

  return {
    get: async (place, signal) => {
      const { sdk, client } = await open();
      try {
        const answer = await client.send(new sdk.GetObjectCommand(inputOf(place)), { abortSignal: signal });
        const body = answer.Body;
        if (!(body instanceof Readable)) throw new Error('the service sent no content');
        return { size: answer.ContentLength ?? 0, body };
      } catch (error) {
        if (error instanceof sdk.NoSuchKey) return undefined;
        throw explain(error, 'read', place);
      }
    },
    list: async (place, limit, signal) => (await listObjects(place, limit, signal)).map(({ key }) => key),
    etags: listObjects,
    put: async (place, body, signal) => {
      const { sdk, client } = await open();
      const request = new sdk.PutObjectCommand({ ...inputOf(place), Body: body });
      await client.send(request, { abortSignal: signal }).catch((error: unknown) => {
        throw explain(error, 'write', place);
      });
    },
    upload: async (place, signal) => {
      const { sdk, client } = await open();
      return beginUpload(sdk, client, place, signal);
    },
  };
}

function configOf(settings: AwsSettings) {
  return {
    ...clientConfig(settings),
    // A bucket in another Region is found; a service of one's own has no host name for every bucket.
    followRegionRedirects: true,
    forcePathStyle: settings.endpoint !== undefined,
    // Others than AWS do not all know the checksums that the SDK adds by itself.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  } as const;
}

function inputOf({ bucket, key, expectedOwner }: ObjectPlace) {
  return { Bucket: bucket, Key: key, ...(expectedOwner === undefined ? {} : { ExpectedBucketOwner: expectedOwner }) };
}

async function beginUpload(sdk: Sdk, client: S3Client, place: ObjectPlace, signal: AbortSignal): Promise<ObjectUpload> {
  const input = inputOf(place);
  const failing = (error: unknown): never => {
    throw explain(error, 'write', place);
  };
  const begun = await client.send(new sdk.CreateMultipartUploadCommand(input), { abortSignal: signal }).catch(failing);
  const upload = { ...input, UploadId: begun.UploadId };
  const parts: { PartNumber: number; ETag: string | undefined }[] = [];
  return {
    part: async (body, partSignal) => {
      const PartNumber = parts.length + 1;
      const request = new sdk.UploadPartCommand({ ...upload, PartNumber, Body: body });
      const { ETag } = await client.send(request, { abortSignal: partSignal }).catch(failing);
      parts.push({ PartNumber, ETag });
    },
    complete: async (endSignal) => {
      const request = new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } });
      await client.send(request, { abortSignal: endSignal }).catch(failing);
    },
    // Also after the run was aborted: the signal is not asked.
    abort: async () => {
      await client.send(new sdk.AbortMultipartUploadCommand(upload), { abortSignal: AbortSignal.timeout(10_000) });
    },
  };
}

/** An error of the SDK has the service's word as its name. */
function explain(error: unknown, verb: 'read' | 'list' | 'write', { bucket, key }: ObjectPlace): Error {
  const what =
    error instanceof Error ? [error.name, error.message].filter((text) => text !== '').join(': ') : String(error);
  return new Error(`cannot ${verb} s3://${bucket}/${key}: ${what}`, { cause: error });
}
