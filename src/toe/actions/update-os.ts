import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { StepFailedError } from '../step-failed.ts';
import { mapAction, runScript, whatItSaid } from './action.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

/**
 * Parameters: the number of packages to include, these, and those to exclude. apt has no option to leave packages alone,
 * so they are held for the time of the update; who held them before still does afterwards.
 */
const UPDATE_OS = `${FAIL_FUNCTION}
[ "$(id -u)" = 0 ] || fail "UpdateOS must run as root"
include=$1
shift
if command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  apt() { apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"; }
  apt update || exit 1
  held=
  release() { [ -z "$held" ] || apt-mark unhold $held >/dev/null; }
  trap release EXIT
  trap 'exit 143' HUP INT TERM
  index=0
  packages=
  for name in "$@"; do
    index=$((index + 1))
    # Names are checked to be package names before they come here: they hold nothing that a word is split at.
    if [ "$index" -le "$include" ]; then packages="$packages $name"
    elif ! apt-mark showhold "$name" | grep -q . && apt-mark hold "$name" >/dev/null; then held="$held $name"
    fi
  done
  set -f
  if [ "$include" -gt 0 ]; then apt install --only-upgrade $packages; else apt upgrade --with-new-pkgs; fi
else
  if command -v dnf >/dev/null 2>&1; then tool=dnf
  elif command -v yum >/dev/null 2>&1; then tool=yum
  else fail "UpdateOS needs apt-get, dnf or yum on the machine, and it has none of them"
  fi
  index=0
  for name in "$@"; do
    shift
    index=$((index + 1))
    if [ "$index" -le "$include" ]; then set -- "$@" "$name"; else set -- "$@" "--exclude=$name"; fi
  done
  "$tool" -y update "$@"
fi
`;

const PACKAGE_NAME = /^[A-Za-z0-9*][A-Za-z0-9.+_:*-]*$/;

export const updateOs = mapAction(ACTION_MODULES.UpdateOS, async ({ include = [], exclude = [] }, context) => {
  const excluded = new Set(exclude);
  const wanted = include.filter((name) => !excluded.has(name));
  for (const name of [...wanted, ...exclude]) {
    if (!PACKAGE_NAME.test(name)) throw new StepFailedError(`'${name}' is not a package name`);
  }
  // Everything that was to be included is excluded: that is no wish to update all the rest.
  if (include.length > 0 && wanted.length === 0) return { outputs: {} };
  const parameters = [String(wanted.length), ...wanted, ...exclude];
  const result = await runScript(context, UPDATE_OS, parameters, {
    onStdout: context.output.onStdout,
    survives: true,
  });
  if (result.code !== 0) throw new StepFailedError(`the update failed: ${whatItSaid(result)}`);
  return { outputs: {} };
});
