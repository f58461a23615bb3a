import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { run } from '../../util/spawn.ts';
import { makeKeys } from './instance.ts';
import { DEFAULT_PROGRAMS } from './programs.ts';
import { metaData, vendorData, writeSeed } from './seed.ts';

const never = new AbortController().signal;

test('the seed holds the user data byte by byte, and only its owner can read it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-seed-'));
  const keys = makeKeys();
  const userData = Buffer.from([0x1f, 0x8b, 0, 1, 2, 255, 10, 13]);
  const content = { instanceId: 'i-00000000000000001', userPublicKey: keys.user.public, hostKey: keys.host, userData };
  await writeSeed(folder, content, DEFAULT_PROGRAMS, never);
  const seed = join(folder, 'seed.iso');
  const file = async (name: string): Promise<Buffer> =>
    (await run('isoinfo', ['-i', seed, '-R', '-x', `/${name}`])).stdout;
  assert.deepEqual(await file('user-data'), userData);
  assert.equal(parse((await file('meta-data')).toString())['instance-id'], 'i-00000000000000001');
  assert.match((await file('vendor-data')).toString(), /cloud-boothook/);
  assert.equal((await stat(seed)).mode & 0o077, 0);
  assert.deepEqual(await readdir(folder), ['seed.iso']);
  await rm(folder, { recursive: true });
});

test('keys are part of valid YAML, each in its place', () => {
  const keys = makeKeys();
  const config = /#cloud-config\n(.*)\n/.exec(vendorData({ userPublicKey: keys.user.public, hostKey: keys.host }))?.[1];
  assert.deepEqual(parse(config ?? ''), {
    ssh_keys: { ed25519_private: keys.host.private, ed25519_public: keys.host.public },
  });
  assert.equal(parse(metaData('i-1'))['local-hostname'], 'i-1');
});

test('what is not a public key never becomes part of a script', () => {
  const keys = makeKeys();
  assert.throws(() => vendorData({ userPublicKey: "ssh-ed25519 AAAA' ; reboot", hostKey: keys.host }), TypeError);
});
