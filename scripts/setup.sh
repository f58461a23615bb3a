#!/bin/sh
# Makes the machine ready for Kiln: Debian packages (scripts/packages.txt and further lists) and node_modules.
# Sourced by `kiln` and `scripts/test.sh`, which set `root` to the checkout. When everything is there it only looks,
# without starting a process for each thing, so that a second start is quick.

setup_fail() {
  printf 'kiln: %s\n' "$1" >&2
  exit 3
}

# Packages of the lists given as arguments whose probe is missing.
setup_missing() {
  missing=
  for list in "$@"; do
    while read -r package probe _; do
      case $package in '' | '#'*) continue ;; esac
      case $probe in
        /*) [ -e "$probe" ] && continue ;;
        *) command -v "$probe" >/dev/null 2>&1 && continue
           [ -x "/usr/sbin/$probe" ] || [ -x "/sbin/$probe" ] && continue ;;
      esac
      missing="$missing $package"
    done <"$list"
  done
}

# How to become root for apt: nothing, sudo, or fail with what to type.
setup_packages() {
  setup_missing "$@"
  [ -z "$missing" ] && return
  if ! command -v apt-get >/dev/null 2>&1; then
    setup_fail "this machine has no apt-get. Install what these Debian packages contain, then start again:$missing"
  fi
  if [ "$(id -u)" = 0 ]; then
    sudo=
  elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    sudo=sudo
  else
    setup_fail "packages are missing and this user may not install them. As root, run:
  apt-get update && apt-get install -y --no-install-recommends$missing"
  fi
  printf 'kiln: installing%s\n' "$missing" >&2
  log=$(mktemp)
  # shellcheck disable=SC2086
  if { $sudo apt-get update -q &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
    rm -f "$log"
  else
    tail -n 15 "$log" >&2
    rm -f "$log"
    setup_fail "apt-get could not install:$missing
The lines above say why. When it is mended, start again."
  fi
  setup_missing "$@"
  [ -z "$missing" ] || setup_fail "apt-get reported success, but these packages did not bring what Kiln needs:$missing"
}

setup_node_modules() {
  # npm writes the copy last, so an interrupted installation is done again.
  cmp -s "$root/package-lock.json" "$root/node_modules/.kiln-installed-lock" && return
  command -v npm >/dev/null 2>&1 || setup_fail "npm is missing. Install Node.js 20 or newer with npm (nodejs.org), then start again."
  node_major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || node_major=0
  [ "$node_major" -ge 20 ] || setup_fail "Node.js 20 or newer is needed to install Kiln's own Node; found ${node_major}."
  printf 'kiln: installing node packages\n' >&2
  log=$(mktemp)
  # npm takes its settings from the caller's environment when it was itself started by npm; the folder must not change.
  if (cd "$root" && npm ci --no-audit --no-fund --loglevel=error) >"$log" 2>&1; then
    rm -f "$log"
  else
    tail -n 15 "$log" >&2
    rm -f "$log"
    setup_fail "npm ci failed; the lines above say why."
  fi
  [ -x "$root/node_modules/node/bin/node" ] || setup_fail "npm ci did not bring the pinned Node. If install scripts are switched off (npm config get ignore-scripts), switch them on and start again."
  cp "$root/package-lock.json" "$root/node_modules/.kiln-installed-lock"
}

# setup LIST...: packages of the lists and node_modules, one start at a time.
setup() {
  setup_missing "$@"
  if [ -z "$missing" ] && cmp -s "$root/package-lock.json" "$root/node_modules/.kiln-installed-lock"; then return; fi
  mkdir -p "$root/.kiln" 2>/dev/null || setup_fail "cannot write to $root: set-up needs to put node_modules there."
  exec 9>"$root/.kiln/setup.lock"
  if command -v flock >/dev/null 2>&1; then flock 9; fi
  setup_packages "$@"
  setup_node_modules
  exec 9>&-
}
