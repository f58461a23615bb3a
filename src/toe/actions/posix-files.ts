import { StepFailedError } from '../step-failed.ts';
import { mustRun, runScript } from './action.ts';
import { foundFiles, MAX_LIST_BYTES } from './found-files.ts';
import type { MachineFiles } from './machine-files.ts';
import { FAIL_FUNCTION, splitWildcard } from './wildcard.ts';

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

const MIB = 1024 * 1024;

export const posixFiles: MachineFiles = {
  exists: async (path, context) => (await runScript(context, '[ -e "$1" ]', [path])).code === 0,

  receive: async (path, part, size, body, context) => {
    await mustRun(context, RECEIVE, [path, part, String(size)], { stdin: body });
  },

  find: async ({ folder, pattern, source, recurse }, context) => {
    const options = { keepBytes: MAX_LIST_BYTES };
    const { stdout, complete } = await mustRun(context, FIND, [folder, pattern, source, String(recurse)], options);
    if (!complete) throw new StepFailedError('there are too many files to upload in one step');
    return foundFiles(stdout);
  },

  read: async (path, offset, length, context) => {
    const chunks: Buffer[] = [];
    const onStdout = (chunk: Buffer): void => void chunks.push(chunk);
    const script = 'dd if="$1" bs=1048576 skip="$2" count="$3" 2>/dev/null';
    const count = Math.ceil(length / MIB);
    await mustRun(context, script, [path, String(offset / MIB), String(count)], { keepBytes: 0, onStdout });
    return Buffer.concat(chunks);
  },

  split: splitWildcard,
};
