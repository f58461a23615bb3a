import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { StepFailedError } from '../step-failed.ts';
import { type ActionContext, listAction, mustRun } from './action.ts';
import { FAIL_FUNCTION, splitWildcard } from './wildcard.ts';

/**
 * Around a function `one SOURCE DESTINATION`: one transfer, or one for every entry of the kind (`-f` file, `-d` folder)
 * that a pattern matches.
 */
const EACH = `
if [ -z "$pattern" ]; then
  one "$source" "$destination"
  exit 0
fi
found=
for entry in "$folder"/* "$folder"/.*; do
  name=\${entry##*/}
  case $name in . | ..) continue ;; $pattern) ;; *) continue ;; esac
  [ "$kind" "$entry" ] || continue
  found=yes
  one "$entry" "$destination$name"
done
[ -n "$found" ] || fail "nothing matches $source"
`;

const PARAMETERS = 'verb=$1 folder=$2 pattern=$3 source=$4 destination=$5 overwrite=$6';

const TRANSFER_FILE = `${FAIL_FUNCTION}
${PARAMETERS}
kind=-f
one() {
  [ -d "$1" ] && fail "$1 is a folder"
  [ -e "$1" ] || fail "there is no file $1"
  [ -d "$2" ] && fail "$2 is a folder: end the destination with / to put the file into it"
  if [ -e "$2" ] || [ -L "$2" ]; then
    [ "$overwrite" = true ] || fail "$2 exists and overwrite is false"
  fi
  mkdir -p -- "\${2%/*}/" || exit 1
  if [ "$verb" = move ]; then mv -f -- "$1" "$2" || exit 1; else cp -- "$1" "$2" || exit 1; fi
}
${EACH}`;

/** A folder that exists is merged into; links within are copied as links. */
const TRANSFER_FOLDER = `${FAIL_FUNCTION}
${PARAMETERS}
kind=-d
one() {
  [ -d "$1" ] || fail "there is no folder $1"
  if [ -e "$2" ] || [ -L "$2" ]; then
    [ -d "$2" ] || fail "$2 exists and is not a folder"
    [ "$overwrite" = true ] || fail "$2 exists and overwrite is false"
    existed=yes
  else
    existed=
    mkdir -p -- "\${2%/*}/" || exit 1
  fi
  if [ "$verb" = move ] && [ -z "$existed" ]; then mv -- "$1" "$2" || exit 1; return; fi
  mkdir -p -- "$2" || exit 1
  if [ "$verb" = copy ]; then cp -RP -- "$1/." "$2/" || exit 1
  else cp -RPp -- "$1/." "$2/" && rm -rf -- "$1" || exit 1
  fi
}
${EACH}`;

interface Transfer {
  readonly source: string;
  readonly destination: string;
  readonly overwrite: boolean;
}

async function transfer(
  script: string,
  verb: 'copy' | 'move',
  inputs: Transfer,
  context: ActionContext,
): Promise<Readonly<Record<string, never>>> {
  const source = context.workspace.absolute(inputs.source).replace(/(?<=.)\/+$/, '');
  const destination = context.workspace.absolute(inputs.destination);
  const wildcard = splitWildcard(source);
  const intoFolder = destination.endsWith('/');
  if (wildcard !== undefined && !intoFolder) {
    throw new StepFailedError(`the destination ${inputs.destination} must end with / when the source has a '*'`);
  }
  // With a wildcard every entry keeps its name; without, a folder as destination means the same.
  const name = source.slice(source.lastIndexOf('/') + 1);
  const to = wildcard === undefined && intoFolder ? destination + name : destination;
  const { folder = '', pattern = '' } = wildcard ?? {};
  await mustRun(context, script, [verb, folder, pattern, source, to, String(inputs.overwrite)]);
  return {};
}

export const copyFile = listAction(ACTION_MODULES.CopyFile, (inputs, context) =>
  transfer(TRANSFER_FILE, 'copy', inputs, context),
);

export const moveFile = listAction(ACTION_MODULES.MoveFile, (inputs, context) =>
  transfer(TRANSFER_FILE, 'move', inputs, context),
);

export const copyFolder = listAction(ACTION_MODULES.CopyFolder, (inputs, context) =>
  transfer(TRANSFER_FOLDER, 'copy', inputs, context),
);

export const moveFolder = listAction(ACTION_MODULES.MoveFolder, (inputs, context) =>
  transfer(TRANSFER_FOLDER, 'move', inputs, context),
);
