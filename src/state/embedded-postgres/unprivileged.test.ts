import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findOrdinaryUser, spawnUnprivileged, swapRoot } from './unprivileged.ts';

test('root and another user change places, everybody else stays', () => {
  assert.equal(
    swapRoot('         0          0 4294967295\n', 65534),
    '65534 0 1\n0 65534 1\n1 1 65533\n65535 65535 4294901760\n',
  );
});

test('in a container only the ids that exist there are mapped', () => {
  assert.equal(swapRoot('0 1000 1\n1 100000 65536\n', 65534), '65534 0 1\n0 65534 1\n1 1 65533\n65535 65535 2\n');
  assert.equal(swapRoot('0 1000 1\n', 65534), '65534 0 1\n');
});

test('the ordinary user is nobody, or else the first that is not root', () => {
  const users = ['root:x:0:0::/root:/bin/sh', 'daemon:x:1:1::/:/bin/false'];
  assert.equal(findOrdinaryUser([...users, 'nobody:x:65534:65534::/:/bin/false'].join('\n')), 65534);
  assert.equal(findOrdinaryUser(users.join('\n')), 1);
  assert.throws(() => findOrdinaryUser('root:x:0:0::/root:/bin/sh\n'));
});

test('a program that is started by root is not root, works with the files of all users, and can do nothing else', {
  skip: process.getuid?.() !== 0 ? 'only root can give files away' : false,
}, async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'kiln-unprivileged-'));
  try {
    const foreign = path.join(directory, 'foreign');
    await mkdir(foreign, { mode: 0o700 });
    await writeFile(path.join(foreign, 'secret'), 'found\n', { mode: 0o600 });
    await chown(foreign, 12345, 12345);
    await using output = await open(path.join(directory, 'output'), 'w');
    const script = 'id -un; cat foreign/secret; chroot / true || echo no chroot';
    const child = await spawnUnprivileged('sh', ['-c', script], { output: output.fd, cwd: directory });
    const [code] = await once(child, 'exit');
    const said = await readFile(path.join(directory, 'output'), 'utf8');
    assert.equal(code, 0, said);
    assert.match(said, /^nobody\nfound\n[^\n]*\nno chroot\n$/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('a program that does not exist ends with an error, not with a hang', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'kiln-unprivileged-'));
  try {
    await using output = await open(path.join(directory, 'output'), 'w');
    const ended = spawnUnprivileged('/no/such/program', [], { output: output.fd }).then((child) => once(child, 'exit'));
    if (process.getuid?.() === 0) assert.notEqual((await ended)[0], 0);
    else await assert.rejects(ended, { code: 'ENOENT' });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
