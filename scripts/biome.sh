#!/bin/sh
# Runs the formatter and linter for this machine's processor. The wrapper package is not used: it wants the programs of
# all platforms to be installable, which not every registry mirror offers.
case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) echo "no formatter for $(uname -m)" >&2; exit 3 ;;
esac
exec "$(dirname "$0")/../node_modules/@biomejs/cli-linux-$arch/biome" "$@"
