#!/bin/sh
# `npm test`: installs what is missing, then checks formatting, lint and types and runs every test.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/setup.sh"
setup "$root/scripts/packages.txt" "$root/scripts/packages-test.txt"

cd "$root"
sh scripts/setup-cdk.sh
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE-$root/node_modules/.cache/kiln}
export NODE_COMPILE_CACHE
sh scripts/biome.sh check --error-on-warnings .
node_modules/.bin/tsc --noEmit
exec node_modules/node/bin/node test/run.ts "$@"
