import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { listAction, mustRun } from './action.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

/** Through a link, the file that it points to is changed. */
const SET_OWNER = `${FAIL_FUNCTION}
[ -f "$1" ] || fail "there is no file $1"
group=$3
[ -n "$group" ] || group=$(id -g -- "$2") || exit 1
chown -- "$2:$group" "$1"
`;

export const setFileOwner = listAction(ACTION_MODULES.SetFileOwner, async ({ path, owner, group = '' }, context) => {
  await mustRun(context, SET_OWNER, [context.workspace.absolute(path), owner, group]);
  return {};
});

const SET_PERMISSIONS = `${FAIL_FUNCTION}
[ -f "$1" ] || fail "there is no file $1"
chmod -- "$2" "$1"
`;

export const setFilePermissions = listAction(
  ACTION_MODULES.SetFilePermissions,
  async ({ path, permissions }, context) => {
    await mustRun(context, SET_PERMISSIONS, [context.workspace.absolute(path), permissions]);
    return {};
  },
);
