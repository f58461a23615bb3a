import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { StepFailedError } from '../step-failed.ts';
import { type ActionContext, listAction, mustRun } from './action.ts';
import { FAIL_FUNCTION, splitWildcard } from './wildcard.ts';

const TRANSFER = `${FAIL_FUNCTION}
verb=$1 folder=$2 pattern=$3 source=$4 destination=$5 overwrite=$6
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
if [ -z "$pattern" ]; then
  one "$source" "$destination"
  exit 0
fi
found=
for entry in "$folder"/* "$folder"/.*; do
  name=\${entry##*/}
  case $name in . | ..) continue ;; $pattern) ;; *) continue ;; esac
  [ -f "$entry" ] || continue
  found=yes
  one "$entry" "$destination$name"
done
[ -n "$found" ] || fail "no file matches $source"
`;

interface Transfer {
  readonly source: string;
  readonly destination: string;
  readonly overwrite: boolean;
}

async function transfer(verb: 'copy' | 'move', inputs: Transfer, context: ActionContext): Promise<void> {
  const source = context.workspace.absolute(inputs.source);
  const destination = context.workspace.absolute(inputs.destination);
  const wildcard = splitWildcard(source);
  const intoFolder = destination.endsWith('/');
  if (wildcard !== undefined && !intoFolder) {
    throw new StepFailedError(`the destination ${inputs.destination} must end with / when the source has a '*'`);
  }
  // With a wildcard every file keeps its name; without, a folder as destination means the same.
  const name = source.slice(source.lastIndexOf('/') + 1);
  const to = wildcard === undefined && intoFolder ? destination + name : destination;
  const { folder = '', pattern = '' } = wildcard ?? {};
  await mustRun(context, TRANSFER, [verb, folder, pattern, source, to, String(inputs.overwrite)]);
}

export const copyFile = listAction(ACTION_MODULES.CopyFile, async (inputs, context) => {
  await transfer('copy', inputs, context);
  return {};
});

export const moveFile = listAction(ACTION_MODULES.MoveFile, async (inputs, context) => {
  await transfer('move', inputs, context);
  return {};
});
