import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

const checkout = join(import.meta.dirname, '..');
let folder: string;
let bin: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-setup-'));
  bin = join(folder, 'bin');
  mkdirSync(bin);
  mkdirSync(join(folder, 'checkout/scripts'), { recursive: true });
  copyFileSync(join(checkout, 'kiln'), join(folder, 'checkout/kiln'));
  copyFileSync(join(checkout, 'scripts/setup.sh'), join(folder, 'checkout/scripts/setup.sh'));
  writeFileSync(join(folder, 'checkout/scripts/packages.txt'), 'one-package  no-such-program\nother  /no/such/file\n');
  writeFileSync(join(folder, 'checkout/package-lock.json'), '{}');
  for (const tool of ['sh', 'dirname', 'readlink', 'cmp', 'mkdir', 'mktemp', 'tail', 'rm', 'cp', 'env']) link(tool);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('without root and without packages there is one message with the command to run, exit code 3, and nothing is installed', () => {
  program('id', 'echo 1000');
  program('apt-get', 'echo "apt-get was called" >&2; exit 1');
  const result = kiln('build', 'template.yaml');
  assert.equal(result.status, 3, result.stderr);
  assert.match(result.stderr, /apt-get update && apt-get install -y --no-install-recommends one-package other\n$/);
  assert.doesNotMatch(result.stderr, /was called/);
  assert.equal(existsSync(join(folder, 'checkout/node_modules')), false);
});

test('every command that builds or boots installs what that needs, and no other does', () => {
  withNodeModules('echo begun');
  for (const command of ['apply', 'build', 'pipeline', 'run', 'serve', 'shell', 'worker']) {
    const result = kiln(command);
    assert.equal(result.status, 3, command);
    assert.match(result.stderr, /no apt-get.*one-package other/s);
  }
  for (const command of ['approve', 'explain', 'images', 'logs', 'plan', 'reject', 'rm']) {
    assert.equal(kiln(command).stdout, 'begun\n', command);
  }
});

test('what is missing is installed by one call of apt and one of npm, and a second start calls neither', () => {
  program('id', 'echo 0');
  program('node', 'echo 24');
  for (const tool of ['chmod', 'cat', 'touch']) link(tool);
  const calls = join(folder, 'calls');
  const probe = join(folder, 'a-file');
  writeFileSync(join(folder, 'checkout/scripts/packages.txt'), `one-package  a-program\nother  ${probe}\n`);
  program(
    'apt-get',
    `echo "apt-get $*" >>${calls}
case $1 in
  install) printf '#!/bin/sh\n' >${join(bin, 'a-program')}; chmod +x ${join(bin, 'a-program')}; touch ${probe} ;;
esac`,
  );
  program(
    'npm',
    `echo "npm $*" >>${calls}
mkdir -p node_modules/node/bin
printf '#!/bin/sh\necho begun\n' >node_modules/node/bin/node
chmod +x node_modules/node/bin/node`,
  );
  for (const attempt of ['first', 'second']) {
    const result = kiln('build', 'template.yaml');
    assert.equal(result.status, 0, `${attempt}: ${result.stderr}`);
    assert.equal(result.stdout, 'begun\n', attempt);
  }
  assert.deepEqual(readFileSync(calls, 'utf8').trimEnd().split('\n'), [
    'apt-get update -q',
    'apt-get install -q -y --no-install-recommends one-package other',
    'npm ci --no-audit --no-fund --loglevel=error',
  ]);
});

test('on a machine without apt it says what to install', () => {
  program('id', 'echo 0');
  const result = kiln('build', 'template.yaml');
  assert.equal(result.status, 3, result.stderr);
  assert.match(result.stderr, /no apt-get.*one-package other/s);
});

test('an installation that fails shows what apt said and exits with 3', () => {
  program('id', 'echo 0');
  program('apt-get', 'echo "E: the mirror is away" >&2; exit 100');
  const result = kiln('serve');
  assert.equal(result.status, 3, result.stderr);
  assert.match(result.stderr, /the mirror is away/);
  assert.match(result.stderr, /could not install: one-package other/);
});

test('an old Node is named before anything is installed', () => {
  program('id', 'echo 0');
  program('npm', 'echo "npm was called" >&2; exit 1');
  program('node', 'echo 18');
  const result = kiln('toe', 'validate');
  assert.equal(result.status, 3, result.stderr);
  assert.match(result.stderr, /Node\.js 20 or newer is needed.*found 18/);
  assert.doesNotMatch(result.stderr, /was called/);
});

test('when all is there it starts at once, with the arguments as they were given', () => {
  writeFileSync(join(folder, 'checkout/scripts/packages.txt'), `present  ${bin}\n`);
  withNodeModules('for word in "$@"; do echo "<$word>"; done');
  const result = kiln('build', 'a b', '$(touch x)');
  assert.equal(result.status, 0, result.stderr);
  const program = `${join(folder, 'checkout')}/src/cmd/kiln.ts`;
  // Garbage collected early keeps the stops of a service short (bench/README.md).
  assert.equal(result.stdout, `<--max-semi-space-size=4>\n<${program}>\n<build>\n<a b>\n<$(touch x)>\n`);
  assert.deepEqual(readdirSync(join(folder, 'checkout')).sort(), [
    'kiln',
    'node_modules',
    'package-lock.json',
    'scripts',
  ]);
});

function kiln(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('/bin/sh', [join(folder, 'checkout/kiln'), ...args], {
    env: { PATH: bin, TMPDIR: folder },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** As after an installation; Kiln's own Node is this script. */
function withNodeModules(node: string): void {
  const modules = join(folder, 'checkout/node_modules');
  mkdirSync(join(modules, 'node/bin'), { recursive: true });
  writeFileSync(join(modules, '.kiln-installed-lock'), '{}');
  writeFileSync(join(modules, 'node/bin/node'), `#!/bin/sh\n${node}\n`);
  chmodSync(join(modules, 'node/bin/node'), 0o755);
}

function program(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** A program of this machine; its folder as a whole would bring the ones that the test wants missing. */
function link(name: string): void {
  program(name, `exec "$(PATH=/usr/bin:/bin; command -v ${name})" "$@"`);
}
