import assert from 'node:assert/strict';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { documentOf, newPath, run, type StepSpec } from '../run-documents.fixture.ts';
import { localTarget } from '../targets/local.ts';

let count = 0;

test('UpdateOS drives the package manager of the machine', { skip: process.getuid?.() !== 0 }, async () => {
  const bin = newPath();
  const log = newPath();
  await mkdir(bin);
  for (const tool of ['apt-get', 'apt-mark', 'dnf']) {
    await writeFile(join(bin, tool), `#!/bin/sh\necho "${tool} $*" >> ${log}\n`, { mode: 0o755 });
  }
  const tools = ['sh', 'id', 'cat', 'rm', 'mkdir', 'grep', 'rmdir'];
  for (const tool of tools) await symlink(`/bin/${tool}`, join(bin, tool));
  const target = localTarget({ environment: { PATH: bin }, cwd: tmpdir() });
  const update = (inputs: object): StepSpec => ({ name: `U${++count}`, action: 'UpdateOS', inputs });
  const steps = [update({}), update({ include: ['a', 'b'], exclude: ['b', 'c*'] })];
  assert.equal((await run([documentOf({ build: steps })], { target })).status, 'success');
  const apt = '-q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold';
  assert.deepEqual((await readFile(log, 'utf8')).trim().split('\n'), [
    `apt-get ${apt} update`,
    `apt-get ${apt} upgrade --with-new-pkgs`,
    `apt-get ${apt} update`,
    'apt-mark showhold b',
    'apt-mark hold b',
    'apt-mark showhold c*',
    'apt-mark hold c*',
    `apt-get ${apt} install --only-upgrade a`,
    'apt-mark unhold b c*',
  ]);
  await rm(join(bin, 'apt-get'));
  await rm(log);
  assert.equal(
    (await run([documentOf({ build: [update({ include: ['a'], exclude: ['c'] })] })], { target })).status,
    'success',
  );
  assert.equal(await readFile(log, 'utf8'), 'dnf -y update a --exclude=c\n');
  await rm(join(bin, 'dnf'));
  const none = await run([documentOf({ build: [update({})] })], { target });
  assert.match(none.firstFailure?.errorMessage ?? '', /needs apt-get, dnf or yum/);
  const hostile = await run([documentOf({ build: [update({ include: ['-o x'] })] })], { target });
  assert.match(hostile.firstFailure?.errorMessage ?? '', /'-o x' is not a package name/);
});
