/** Our own component documents: all are valid, and those that need no network run in a sandbox. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentOf } from '../src/cmd/environment.fixture.ts';
import { parseComponent } from '../src/documents/parse-component.ts';
import { run } from '../src/util/spawn.ts';

const folder = join(import.meta.dirname, '..', 'examples', 'components');
const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();

/** They install packages, download something or change what other programs of this machine use. */
const NEEDS_NETWORK = /apt-get|dnf|WebDownload|UpdateOS/;

test('there are at least forty component documents, named as their files', async () => {
  assert.ok(files.length >= 40);
});

for (const file of files) {
  test(`${file} is valid`, async () => {
    const document = parseComponent(await readFile(join(folder, file), 'utf8'), file);
    assert.equal(`${document.name}.yaml`, file);
    assert.notEqual(document.description, '');
  });
}

test('those that need no network run in a sandbox, all phases', { skip: process.getuid?.() !== 0 }, async () => {
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const documents = files
    .filter((_, index) => !NEEDS_NETWORK.test(texts[index] ?? ''))
    .map((file) => join(folder, file));
  assert.ok(documents.length >= 20);
  const home = await mkdtemp(join(tmpdir(), 'kiln-examples-'));
  try {
    const kiln = join(import.meta.dirname, '..', 'src', 'cmd', 'kiln.ts');
    const args = [kiln, 'toe', 'run', '--sandbox', '--base', 'host', '-d', documents.join(',')];
    const env = environmentOf(join(home, 'home'));
    const { code, stdout, stderr } = await run(process.execPath, args, { env, cwd: home });
    assert.equal(code, 0, stderr.toString().split('\n').slice(-40).join('\n'));
    assert.equal(JSON.parse(stdout.toString()).ignoredFailedStepCount, 1);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
