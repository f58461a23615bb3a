import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { listAction, mustRun } from './action.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

/** A relative target is meant from the folder of the link, as the system reads it. */
const CREATE_SYMLINK = `${FAIL_FUNCTION}
path=$1 target=$2 force=$3
mkdir -p -- "\${path%/*}/" || exit 1
case $target in /*) seen=$target ;; *) seen=\${path%/*}/$target ;; esac
[ -e "$seen" ] || fail "the target $target does not exist"
if [ -L "$path" ]; then
  [ "$force" = true ] || fail "the link $path exists and force is false"
  rm -f -- "$path" || exit 1
elif [ -e "$path" ]; then fail "$path exists and is not a link"
fi
ln -s -- "$target" "$path"
`;

export const createSymlink = listAction(ACTION_MODULES.CreateSymlink, async ({ path, target, force }, context) => {
  const link = context.workspace.absolute(path).replace(/(?<=.)\/+$/, '');
  await mustRun(context, CREATE_SYMLINK, [link, target, String(force)]);
  return {};
});
