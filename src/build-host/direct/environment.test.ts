import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loginEnvironment } from './environment.ts';

describe('the environment of commands on a root file system', () => {
  let root = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'kiln-root-'));
    await mkdir(join(root, 'etc/default'), { recursive: true });
  });
  after(() => rm(root, { recursive: true }));

  test('is that of a login, with the variables that its files give', async () => {
    await writeFile(join(root, 'etc/environment'), 'EDITOR=ed\nexport COLOUR="dark red"\nnonsense\n');
    await writeFile(join(root, 'etc/default/locale'), "LANG='C.UTF-8'\n");
    const { EDITOR, COLOUR, LANG, HOME, nonsense } = await loginEnvironment(root);
    assert.deepEqual([EDITOR, COLOUR, LANG, HOME, nonsense], ['ed', 'dark red', 'C.UTF-8', '/root', undefined]);
  });

  test('is read of the beginning of a file, however large that is', async () => {
    await writeFile(join(root, 'etc/environment'), 'EDITOR=ed\n');
    await truncate(join(root, 'etc/environment'), 2 ** 40);
    assert.equal((await loginEnvironment(root))['EDITOR'], 'ed');
  });

  test('has nothing of files that a link leads to, outside', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'kiln-outside-'));
    await writeFile(join(outside, 'secret'), 'SECRET=1\n');
    await rm(join(root, 'etc/environment'));
    await symlink(join(outside, 'secret'), join(root, 'etc/environment'));
    assert.equal((await loginEnvironment(root))['SECRET'], undefined);
    await rm(outside, { recursive: true });
  });
});
