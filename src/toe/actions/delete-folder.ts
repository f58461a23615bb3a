import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { listAction, mustRun } from './action.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

const DELETE_FOLDER = `${FAIL_FUNCTION}
[ -L "$1" ] && fail "$1 is a link"
[ -d "$1" ] || fail "there is no folder $1"
if [ "$2" = true ]; then rm -rf -- "$1"; else rmdir -- "$1"; fi
`;

export const deleteFolder = listAction(ACTION_MODULES.DeleteFolder, async ({ path, force }, context) => {
  // With a separator at its end, a link would be taken for the folder that it points to.
  const folder = context.workspace.absolute(path).replace(/(?<=.)\/+$/, '');
  await mustRun(context, DELETE_FOLDER, [folder, String(force)]);
  return {};
});
