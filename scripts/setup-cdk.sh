#!/bin/sh
# Installs AWS CDK for the test of test/clients/cdk: its libraries are half as large as everything else together, so
# only the tests have them. When they are there it only looks.
set -eu
cd "$(dirname "$0")/../test/clients/cdk"
cmp -s package-lock.json node_modules/.kiln-installed-lock && exit 0
printf 'kiln: installing AWS CDK for its test\n' >&2
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
cp package-lock.json node_modules/.kiln-installed-lock
