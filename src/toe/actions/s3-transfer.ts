import { randomBytes } from 'node:crypto';
import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { coerceError } from '../../util/faults.ts';
import { hasForeignBytes } from '../../util/os-text.ts';
import { asking, objectsOf, parseObjectUri } from '../object-uri.ts';
import type { ObjectPlace, ObjectStore } from '../run-services.ts';
import { StepFailedError } from '../step-failed.ts';
import { TargetLostError } from '../target.ts';
import { type ActionContext, listAction, mustRun } from './action.ts';
import { FAIL_FUNCTION, splitWildcard } from './wildcard.ts';

/** Objects that one prefix may have. Source: User Guide, "S3Download". */
const MAX_OBJECTS = 1000;
/** Tries for one object whose transfer broke off in the middle; requests themselves are tried again by the client. */
const TRIES = 3;

const RECEIVE = `${FAIL_FUNCTION}
destination=$1 part=$2 size=$3
mkdir -p -- "\${destination%/*}/" || exit 1
[ -d "$destination" ] && fail "$destination is a folder"
trap 'rm -f -- "$part"' EXIT
trap 'exit 143' HUP INT TERM
cat > "$part" || exit 1
[ "$(wc -c < "$part")" -eq "$size" ] || fail "the transfer ended early"
mv -f -- "$part" "$destination"
`;

const EXISTS =
  'S3Download: File already exists and "overwrite" property for "destination" file is set to false. Cannot download.';

/** Streams from the store through this machine to the target: nothing of the credentials reaches it. */
export const s3Download = listAction(ACTION_MODULES.S3Download, async (inputs, context) => {
  const store = objectsOf(context.services);
  const place = parseObjectUri(inputs.source, inputs.expectedBucketOwner);
  const destination = context.workspace.absolute(inputs.destination);
  const download = async (key: string, path: string): Promise<void> => {
    if (!inputs.overwrite)
      await mustRun(context, '[ ! -e "$1" ] || { printf "%s\\n" "$2" >&2; exit 1; }', [path, EXISTS]);
    await receive(store, { ...place, key }, path, context);
  };
  if (!place.key.endsWith('*')) {
    if (place.key === '' || place.key.endsWith('/')) throw new StepFailedError(`${inputs.source} names no object`);
    if (destination.endsWith('/')) throw new StepFailedError('the destination must contain the name of the file');
    await download(place.key, destination);
    return {};
  }
  const prefix = place.key.slice(0, -1);
  if (prefix.includes('*') || !(prefix === '' || prefix.endsWith('/'))) {
    throw new StepFailedError(`a '*' is only allowed as the last part of the source, as in s3://bucket/prefix/*`);
  }
  const folder = destination.replace(/\/+$/, '');
  for (const key of await keysBelow(store, { ...place, key: prefix }, context)) {
    await download(key, `${folder}/${safePath(key.slice(prefix.length), key)}`);
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
function safePath(path: string, key: string): string {
  const parts = path.split('/');
  if (parts.some((part) => part === '..' || part === '.' || part === '') || path.includes('\0')) {
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
      await mustRun(context, RECEIVE, [path, part, String(object.size)], { stdin: object.body });
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

/** Lists SIZE NUL PATH NUL for every file: a pattern's, or a folder's with all below. */
const FIND = `${FAIL_FUNCTION}
folder=$1 pattern=$2 source=$3 recurse=$4
each() { printf '%s\\0%s\\0' "$(wc -c < "$1")" "$1"; }
walk() {
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ -d "$entry" ] && [ ! -L "$entry" ]; then (walk "$entry") || exit 1
    elif [ -f "$entry" ]; then each "$entry"
    fi
  done
}
if [ -z "$pattern" ]; then
  if [ -d "$source" ]; then
    [ "$recurse" = true ] || fail "$source is a folder: set recurse to true to upload it"
    walk "\${source%/}"
  elif [ -f "$source" ]; then each "$source"
  else fail "there is no file $source"
  fi
  exit 0
fi
[ -d "$folder/" ] || fail "there is no folder $folder"
for entry in "$folder"/* "$folder"/.[!.]* "$folder"/..?*; do
  name=\${entry##*/}
  case $name in $pattern) ;; *) continue ;; esac
  if [ -d "$entry" ] && [ ! -L "$entry" ]; then [ "$recurse" = true ] && { walk "$entry" || exit 1; }
  elif [ -f "$entry" ]; then each "$entry"
  fi
done
exit 0
`;

export const s3Upload = listAction(ACTION_MODULES.S3Upload, async (inputs, context) => {
  const store = objectsOf(context.services);
  const place = parseObjectUri(inputs.destination, inputs.expectedBucketOwner);
  const source = context.workspace.absolute(inputs.source);
  const { folder = '', pattern = '' } = splitWildcard(source) ?? {};
  const files = await filesOf([folder, pattern, source, String(inputs.recurse)], context);
  if (files.length === 0) throw new StepFailedError(`nothing matches ${inputs.source}`);
  const odd = files.find(({ path }) => hasForeignBytes(path));
  if (odd !== undefined) throw new StepFailedError(`the name of ${odd.path} is not UTF-8, and keys of S3 are`);
  const single = pattern === '' && files[0]?.path === source;
  const toPrefix = place.key === '' || place.key.endsWith('/');
  if (!single && !toPrefix) {
    throw new StepFailedError(`the destination ${inputs.destination} must end with / for a folder or a pattern`);
  }
  const base = pattern === '' ? source.replace(/\/+$/, '') : folder;
  for (const { path, size } of files) {
    const name = single ? source.slice(source.lastIndexOf('/') + 1) : path.slice(base.length + 1);
    const key = single && !toPrefix ? place.key : place.key + name;
    await send(store, { ...place, key }, path, size, context);
  }
  return {};
});

interface FoundFile {
  readonly path: string;
  readonly size: number;
}

async function filesOf(parameters: readonly string[], context: ActionContext): Promise<readonly FoundFile[]> {
  const { stdout, complete } = await mustRun(context, FIND, parameters, { keepBytes: 16 * MIB });
  if (!complete) throw new StepFailedError('there are too many files to upload in one step');
  const words = stdout.split('\0').slice(0, -1);
  return Array.from({ length: words.length / 2 }, (_, index) => ({
    size: Number(words[index * 2]),
    path: words[index * 2 + 1] ?? '',
  }));
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

/** `offset` is a multiple of a MiB. */
async function readPart(path: string, offset: number, length: number, context: ActionContext): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  const onStdout = (chunk: Buffer): void => {
    total += chunk.length;
    if (total <= length) chunks.push(chunk);
  };
  const script = 'dd if="$1" bs=1048576 skip="$2" count="$3" 2>/dev/null';
  const count = Math.ceil(length / MIB);
  await mustRun(context, script, [path, String(offset / MIB), String(count)], { keepBytes: 0, onStdout });
  if (total !== length) throw new StepFailedError(`${path} changed while it was uploaded`);
  return Buffer.concat(chunks);
}
