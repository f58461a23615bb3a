import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run as runProgram } from '../../../util/spawn.ts';
import { environmentOf } from '../../environment.fixture.ts';

const KILN = join(import.meta.dirname, '..', '..', 'kiln.ts');
const store = process.env['KILN_TEST_STORE'];

test('a sandbox on a base image has the files of the image, and the image stays as it is', {
  skip: store === undefined,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-sandbox-base-'));
  try {
    const home = join(folder, 'home');
    await mkdir(home, { mode: 0o700 });
    await cp(store ?? '', join(home, 'images'), { recursive: true });
    const look = 'cat /etc/os-release; [ ! -e /etc/tried ]; touch /etc/tried; dpkg --list linux-image-* | tail -1';
    const steps = [{ name: 'Look', action: 'ExecuteBash', inputs: { commands: ['set -e', look] } }];
    const file = join(folder, 'look.yaml');
    await writeFile(file, JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'build', steps }] }));
    const env = environmentOf(home);
    for (const time of ['first', 'second']) {
      const args = [KILN, 'toe', 'run', '--sandbox', '--base', 'debian-server-12-x86', '-d', file];
      const { code, stderr } = await runProgram(process.execPath, args, { env, cwd: folder });
      assert.equal(code, 0, stderr.toString());
      assert.match(stderr.toString(), /VERSION_ID="12"/);
      assert.equal(/unpacking the base image/.test(stderr.toString()), time === 'first');
    }
    assert.deepEqual(await readdir(join(home, 'run', 'sandboxes')), []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
