import { open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { objectsOf } from '../../toe/object-uri.ts';
import type { ObjectPlace, ObjectStore, RunServices } from '../../toe/run-services.ts';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import type { LogBucket } from './settings.ts';

/** Objects up to this size go in one piece; larger ones in parts of it. */
const PART_BYTES = 8 * 1024 * 1024;

/** Uploads a log folder below the prefix and gives its place. @throws BuilderFault, which names the local folder */
export async function uploadLogs(
  folder: string,
  { name, owner, prefix }: LogBucket,
  services: RunServices,
  signal: AbortSignal,
): Promise<string> {
  const key = [prefix.replace(/^\/+|\/+$/g, ''), basename(folder)].filter((part) => part !== '').join('/');
  try {
    const objects = objectsOf(services);
    for (const file of (await readdir(folder)).toSorted()) {
      await upload(join(folder, file), { bucket: name, key: `${key}/${file}`, expectedOwner: owner }, objects, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new BuilderFault(`The logs were not uploaded: ${coerceError(error).message}`, {
      hint: `They are in ${folder}`,
      cause: error,
    });
  }
  return `s3://${name}/${key}`;
}

async function upload(path: string, place: ObjectPlace, objects: ObjectStore, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'r');
  const next = async (): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PART_BYTES), 0, PART_BYTES);
    return buffer.subarray(0, bytesRead);
  };
  const first = await next();
  if (first.length < PART_BYTES) return objects.put(place, first, signal);
  const parts = await objects.upload(place, signal);
  try {
    for (let part = first; part.length > 0; part = await next()) await parts.part(part, signal);
    await parts.complete(signal);
  } catch (error) {
    await parts.abort().catch(() => {});
    throw error;
  }
}
