import { randomBytes } from 'node:crypto';
import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { coerceError } from '../../util/faults.ts';
import { hasForeignBytes } from '../../util/os-text.ts';
import { asking, objectsOf, parseObjectUri } from '../object-uri.ts';
import type { ObjectPlace, ObjectStore } from '../run-services.ts';
import { StepFailedError } from '../step-failed.ts';
import { TargetLostError } from '../target.ts';
import { type ActionContext, listAction } from './action.ts';
import { machineFiles } from './machine-files.ts';

/** Objects that one prefix may have. Source: User Guide, "S3Download". */
const MAX_OBJECTS = 1000;
/** Tries for one object whose transfer broke off in the middle; requests themselves are tried again by the client. */
const TRIES = 3;

const EXISTS =
  'S3Download: File already exists and "overwrite" property for "destination" file is set to false. Cannot download.';

/** Streams from the store through this machine to the target: nothing of the credentials reaches it. */
export const s3Download = listAction(ACTION_MODULES.S3Download, async (inputs, context) => {
  const store = objectsOf(context.services);
  const place = parseObjectUri(inputs.source, inputs.expectedBucketOwner);
  const destination = context.workspace.absolute(inputs.destination);
  const download = async (key: string, path: string): Promise<void> => {
    if (!inputs.overwrite && (await machineFiles(context).exists(path, context))) throw new StepFailedError(EXISTS);
    await receive(store, { ...place, key }, path, context);
  };
  if (!place.key.endsWith('*')) {
    if (place.key === '' || place.key.endsWith('/')) throw new StepFailedError(`${inputs.source} names no object`);
    if (withoutSeparator(destination, context) !== destination) {
      throw new StepFailedError('the destination must contain the name of the file');
    }
    await download(place.key, destination);
    return {};
  }
  const prefix = place.key.slice(0, -1);
  if (prefix.includes('*') || !(prefix === '' || prefix.endsWith('/'))) {
    throw new StepFailedError(`a '*' is only allowed as the last part of the source, as in s3://bucket/prefix/*`);
  }
  const folder = withoutSeparator(destination, context);
  for (const key of await keysBelow(store, { ...place, key: prefix }, context)) {
    await download(key, `${folder}/${safePath(key.slice(prefix.length), key, context)}`);
  }
  return {};
});

async function keysBelow(
  store: ObjectStore,
  place: ObjectPlace,
  { signal }: ActionContext,
): Promise<readonly string[]> {
  const keys = await asking(store.list(place, MAX_OBJECTS + 1, signal), signal);
  if (keys.length > MAX_OBJECTS) {
    throw new StepFailedError(`s3://${place.bucket}/${place.key} has more than ${MAX_OBJECTS} objects`);
  }
  // Consoles make an empty object for a folder.
  const files = keys.filter((key) => !key.endsWith('/'));
  if (files.length === 0) throw new StepFailedError(`there is no object below s3://${place.bucket}/${place.key}`);
  return files;
}

/** Whoever may write to the bucket must not choose where files end up on the machine. */
function safePath(path: string, key: string, context: ActionContext): string {
  const parts = path.split('/');
  const odd = onWindows(context) ? /[\\:*?"<>|\0]/ : /\0/;
  if (parts.some((part) => part === '..' || part === '.' || part === '') || odd.test(path)) {
    throw new StepFailedError(`the object ${key} has a name that leads out of the destination`);
  }
  return path;
}

async function receive(store: ObjectStore, place: ObjectPlace, path: string, context: ActionContext): Promise<void> {
  const { signal, output } = context;
  for (let attempt = 1; ; attempt++) {
    const object = await asking(store.get(place, signal), signal);
    if (object === undefined) throw new StepFailedError(`there is no object s3://${place.bucket}/${place.key}`);
    const part = `${path}.kiln-${randomBytes(6).toString('hex')}`;
    let broken: unknown;
    object.body.once('error', (error) => {
      broken = error;
    });
    try {
      await machineFiles(context).receive(path, part, object.size, object.body, context);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TargetLostError || broken === undefined) throw error;
      const why = coerceError(broken).message;
      if (attempt === TRIES) throw new StepFailedError(`the download of ${place.key} broke off ${TRIES} times: ${why}`);
      output.note(`S3Download: the connection broke off (try ${attempt} of ${TRIES}): ${why}`);
    } finally {
      object.body.destroy();
    }
  }
}

const MIB = 1024 * 1024;
/** What is larger goes up in parts; so much of a file is in memory at a time. */
const PART_BYTES = 8 * MIB;
const MAX_PARTS = 10_000;

export const s3Upload = listAction(ACTION_MODULES.S3Upload, async (inputs, context) => {
  const store = objectsOf(context.services);
  const place = parseObjectUri(inputs.destination, inputs.expectedBucketOwner);
  const source = context.workspace.absolute(inputs.source);
  const { folder, pattern } = machineFiles(context).split(source) ?? { folder: '', pattern: '' };
  const files = await machineFiles(context).find({ folder, pattern, source, recurse: inputs.recurse }, context);
  if (files.length === 0) throw new StepFailedError(`nothing matches ${inputs.source}`);
  const odd = files.find(({ path }) => hasForeignBytes(path));
  if (odd !== undefined) throw new StepFailedError(`the name of ${odd.path} is not UTF-8, and keys of S3 are`);
  const single = pattern === '' && files[0]?.path === source;
  const toPrefix = place.key === '' || place.key.endsWith('/');
  if (!single && !toPrefix) {
    throw new StepFailedError(`the destination ${inputs.destination} must end with / for a folder or a pattern`);
  }
  const base = withoutSeparator(pattern === '' ? source : folder, context);
  for (const { path, size } of files) {
    const name = single ? lastName(source, context) : path.slice(base.length + 1);
    const key = single && !toPrefix ? place.key : place.key + (onWindows(context) ? name.replaceAll('\\', '/') : name);
    await send(store, { ...place, key }, path, size, context);
  }
  return {};
});

function onWindows({ target }: ActionContext): boolean {
  return target.os === 'windows';
}

function withoutSeparator(path: string, context: ActionContext): string {
  return path.replace(onWindows(context) ? /[\\/]+$/ : /\/+$/, '');
}

function lastName(path: string, context: ActionContext): string {
  return path.slice(path.search(onWindows(context) ? /[^\\/]*$/ : /[^/]*$/));
}

async function send(
  store: ObjectStore,
  place: ObjectPlace,
  path: string,
  size: number,
  context: ActionContext,
): Promise<void> {
  const { signal } = context;
  if (size <= PART_BYTES) {
    await asking(store.put(place, await readPart(path, 0, size, context), signal), signal);
    return;
  }
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS / MIB) * MIB);
  const upload = await asking(store.upload(place, signal), signal);
  try {
    for (let offset = 0; offset < size; offset += partBytes) {
      const length = Math.min(partBytes, size - offset);
      await asking(upload.part(await readPart(path, offset, length, context), signal), signal);
    }
    await asking(upload.complete(signal), signal);
  } catch (error) {
    // Parts of an upload that nobody ends are stored and paid for.
    await upload
      .abort()
      .catch(() => context.output.note(`S3Upload: the upload of ${place.key} could not be withdrawn`));
    throw error;
  }
}

async function readPart(path: string, offset: number, length: number, context: ActionContext): Promise<Buffer> {
  const bytes = await machineFiles(context).read(path, offset, length, context);
  if (bytes.length !== length) throw new StepFailedError(`${path} changed while it was uploaded`);
  return bytes;
}
