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

/** `-h`: links below are changed themselves, never what they point to outside. The `/.` follows a link to the folder. */
const SET_FOLDER_OWNER = `${FAIL_FUNCTION}
[ -d "$1" ] || fail "there is no folder $1"
group=$3
[ -n "$group" ] || group=$(id -g -- "$2") || exit 1
if [ "$4" = true ]; then chown -hR -- "$2:$group" "$1/."; else chown -- "$2:$group" "$1"; fi
`;

export const setFolderOwner = listAction(
  ACTION_MODULES.SetFolderOwner,
  async ({ path, owner, group = '', recursive }, context) => {
    await mustRun(context, SET_FOLDER_OWNER, [context.workspace.absolute(path), owner, group, String(recursive)]);
    return {};
  },
);

/** From the bottom up: a mode that forbids to enter a folder must not keep its content from being changed. */
const SET_FOLDER_PERMISSIONS = `${FAIL_FUNCTION}
[ -d "$1" ] || fail "there is no folder $1"
if [ "$3" = true ]; then find "$1/." -depth ! -type l -exec chmod -- "$2" {} +; else chmod -- "$2" "$1"; fi
`;

export const setFolderPermissions = listAction(
  ACTION_MODULES.SetFolderPermissions,
  async ({ path, permissions, recursive }, context) => {
    await mustRun(context, SET_FOLDER_PERMISSIONS, [context.workspace.absolute(path), permissions, String(recursive)]);
    return {};
  },
);
