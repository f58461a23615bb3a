import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { listAction, mustRun } from './action.ts';
import { encodeText, encodingNamed } from './encoding.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

/**
 * Owner first, mode last: a change of owner clears the set-user-id bits. Until the mode is set nobody else may read the
 * content. The mode is subject to the umask, as that of every new file.
 */
export const OWN_AND_MODE_FUNCTIONS = `
own() {
  if [ -n "$2" ]; then chown -- "$2\${3:+:$3}" "$1" || exit 1
  elif [ -n "$3" ]; then chgrp -- "$3" "$1" || exit 1
  fi
}
mode() { chmod -- "$(printf '%o' "$(( 0$2 & ~0$3 ))")" "$1" || exit 1; }
`;

const CREATE_FILE = `${FAIL_FUNCTION}${OWN_AND_MODE_FUNCTIONS}
path=$1 permissions=$2 owner=$3 group=$4 overwrite=$5
mask=$(umask)
[ -d "$path" ] && fail "$path is a folder"
existed=
if [ -e "$path" ] || [ -L "$path" ]; then
  [ "$overwrite" = true ] || fail "$path exists and overwrite is false"
  existed=yes
  [ -z "$permissions" ] || chmod u+rw,go= "$path" || exit 1
fi
mkdir -p -- "\${path%/*}/" || exit 1
umask 077
cat > "$path" || exit 1
own "$path" "$owner" "$group"
[ -n "$existed" ] && [ -z "$permissions" ] || mode "$path" "\${permissions:-666}" "$mask"
`;

export const createFile = listAction(ACTION_MODULES.CreateFile, async (inputs, context) => {
  const { path, content, encoding, permissions = '', owner = '', group = '', overwrite } = inputs;
  const parameters = [context.workspace.absolute(path), permissions, owner, group, String(overwrite)];
  await mustRun(context, CREATE_FILE, parameters, { stdin: encodeText(content, encodingNamed(encoding)) });
  return {};
});

const APPEND_FILE = `${FAIL_FUNCTION}
[ -f "$1" ] || fail "there is no file $1"
cat >> "$1"
`;

export const appendFile = listAction(ACTION_MODULES.AppendFile, async ({ path, content, encoding }, context) => {
  const stdin = encodeText(content, encodingNamed(encoding));
  await mustRun(context, APPEND_FILE, [context.workspace.absolute(path)], { stdin });
  return {};
});
