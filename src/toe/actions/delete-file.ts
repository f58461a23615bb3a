import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { listAction, mustRun } from './action.ts';
import { FAIL_FUNCTION, splitWildcard } from './wildcard.ts';

/** A missing file is an error, a pattern that matches nothing is not: there is nothing left to delete. */
const DELETE_FILE = `${FAIL_FUNCTION}
path=$1 folder=$2 pattern=$3
if [ -z "$pattern" ]; then
  [ -d "$path" ] && [ ! -L "$path" ] && fail "$path is a folder"
  [ -e "$path" ] || [ -L "$path" ] || fail "there is no file $path"
  rm -f -- "$path"
  exit
fi
for entry in "$folder"/* "$folder"/.*; do
  name=\${entry##*/}
  case $name in . | ..) continue ;; $pattern) ;; *) continue ;; esac
  if [ -f "$entry" ] || [ -L "$entry" ]; then rm -f -- "$entry" || exit 1; fi
done
`;

export const deleteFile = listAction(ACTION_MODULES.DeleteFile, async (inputs, context) => {
  const path = context.workspace.absolute(inputs.path);
  const { folder = '', pattern = '' } = splitWildcard(path) ?? {};
  await mustRun(context, DELETE_FILE, [path, folder, pattern]);
  return {};
});
