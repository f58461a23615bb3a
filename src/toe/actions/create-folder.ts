import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { listAction, mustRun } from './action.ts';
import { OWN_AND_MODE_FUNCTIONS } from './create-file.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

/** What is in a folder that exists is never touched, whatever the guide's "overwrite" may mean. */
const CREATE_FOLDER = `${FAIL_FUNCTION}${OWN_AND_MODE_FUNCTIONS}
path=$1 permissions=$2 owner=$3 group=$4 overwrite=$5
existed=
if [ -e "$path" ] || [ -L "$path" ]; then
  [ -d "$path" ] || fail "$path exists and is not a folder"
  [ "$overwrite" = true ] || fail "$path exists and overwrite is false"
  existed=yes
fi
mkdir -p -- "$path" || exit 1
own "$path" "$owner" "$group"
[ -n "$existed" ] && [ -z "$permissions" ] || mode "$path" "\${permissions:-777}" "$(umask)"
`;

export const createFolder = listAction(ACTION_MODULES.CreateFolder, async (inputs, context) => {
  const { path, permissions = '', owner = '', group = '', overwrite } = inputs;
  const folder = context.workspace.absolute(path).replace(/(?<=.)\/+$/, '');
  await mustRun(context, CREATE_FOLDER, [folder, permissions, owner, group, String(overwrite)]);
  return {};
});
