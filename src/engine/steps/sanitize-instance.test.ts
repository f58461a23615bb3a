import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../util/spawn.ts';

const SCRIPT = fileURLToPath(new URL('./sanitize-instance.sh', import.meta.url));
const KEY = 'ssh-ed25519 AAAA kiln-build';
let root = '';

const FILES = {
  cloudinit: [
    'var/lib/cloud/instances/i-1/user-data.txt',
    'var/log/cloud-init.log',
    'etc/sudoers.d/90-cloud-init-users',
  ],
  ssh: ['etc/ssh/ssh_host_ed25519_key', 'etc/ssh/ssh_host_ed25519_key.pub', 'home/admin/.ssh/authorized_keys'],
  instance: ['etc/hostname'],
  logs: ['var/log/dmesg'],
  toe: ['tmp/TOE_2026/console.log'],
  always: [
    'var/log/journal/1234/system.journal',
    'var/lib/systemd/random-seed',
    'var/tmp/x',
    'var/lib/dbus/machine-id',
  ],
  other: ['etc/passwd', 'var/log/syslog', 'tmp/mine', 'etc/ssh/sshd_config'],
};

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'kiln-sanitize-'));
  for (const file of Object.values(FILES).flat()) await put(file, 'content\n');
  await put('etc/machine-id', '0123456789abcdef\n');
  await put('root/.ssh/authorized_keys', `ssh-rsa AAAA me@home\n${KEY}\n`);
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function put(file: string, content = ''): Promise<void> {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), content);
}

async function sanitize(cleanByDefault: 'yes' | 'no'): Promise<{ code: number | undefined; stdout: string }> {
  const { code, stdout } = await run('sh', [SCRIPT, root, '/tmp', cleanByDefault]);
  return { code, stdout: stdout.toString() };
}

const there = (files: readonly string[]): readonly string[] =>
  files.filter((file) => existsSync(path.join(root, file)));

test('a clean-up removes keys, identity, logs and traces, and nothing else', async () => {
  const { code } = await sanitize('yes');
  assert.equal(code, 0);
  assert.deepEqual(there(Object.values(FILES).flat()), FILES.other);
  assert.deepEqual(there(['root/.ssh/authorized_keys']), []);
  assert.equal(await readFile(path.join(root, 'etc/machine-id'), 'utf8'), '');
});

test('without a marker and with user data of its own, nothing but what belongs to Kiln is removed', async () => {
  await put('var/lib/cloud/instances/i-1/vendor-data.txt', 'the key');
  const { code, stdout } = await sanitize('no');
  assert.equal(code, 0);
  assert.match(stdout, /Skipping cleanup/);
  assert.deepEqual(there(Object.values(FILES).flat()), Object.values(FILES).flat());
  assert.deepEqual(there(['var/lib/cloud/instances/i-1/vendor-data.txt']), []);
  assert.equal(await readFile(path.join(root, 'root/.ssh/authorized_keys'), 'utf8'), 'ssh-rsa AAAA me@home\n');
});

test('the perform_cleanup marker asks for a clean-up and is removed by it', async () => {
  await put('tmp/perform_cleanup');
  assert.equal((await sanitize('no')).code, 0);
  assert.deepEqual(there([...FILES.ssh, ...FILES.always, 'tmp/perform_cleanup']), []);
});

test('each skip marker saves its own files, and Kiln’s key goes all the same', async () => {
  const markers = {
    skip_cleanup_cloudinit_files: FILES.cloudinit,
    skip_cleanup_instance_files: FILES.instance,
    skip_cleanup_ssh_files: FILES.ssh,
    skip_cleanup_instance_log_files: FILES.logs,
    skip_cleanup_toe_files: FILES.toe,
  };
  for (const marker of Object.keys(markers)) await put(`tmp/${marker}`);
  assert.equal((await sanitize('yes')).code, 0);
  assert.deepEqual(there(Object.values(markers).flat()), Object.values(markers).flat());
  assert.deepEqual(there(FILES.always), []);
  assert.equal(await readFile(path.join(root, 'root/.ssh/authorized_keys'), 'utf8'), 'ssh-rsa AAAA me@home\n');
});

test('links are removed without touching what they point at', async () => {
  await put('etc/target', 'content\n');
  await rm(path.join(root, 'etc/hostname'));
  const { code } = await run('ln', ['-s', path.join(root, 'etc/target'), path.join(root, 'etc/hostname')]);
  assert.equal(code, 0);
  assert.equal((await sanitize('yes')).code, 0);
  assert.equal(await readFile(path.join(root, 'etc/target'), 'utf8'), 'content\n');
  assert.deepEqual(there(['etc/hostname']), []);
});

test('what is removed is overwritten first, and a link is not followed for that', async () => {
  await mkdir(path.join(root, 'kept'));
  await link(path.join(root, 'var/log/journal/1234/system.journal'), path.join(root, 'kept/same'));
  await put('kept/other', 'content\n');
  await symlink(path.join(root, 'kept/other'), path.join(root, 'var/tmp/a link'));
  assert.equal((await sanitize('yes')).code, 0);
  assert.doesNotMatch(await readFile(path.join(root, 'kept/same'), 'latin1'), /content/);
  assert.equal(await readFile(path.join(root, 'kept/other'), 'utf8'), 'content\n');
  assert.deepEqual(await readdir(path.join(root, 'var/tmp')), []);
});

test('more files than one program takes are removed, whatever their names', async () => {
  const long = 'x'.repeat(240);
  const names = Array.from({ length: 9_000 }, (_, index) => `${long} ${index}`);
  for (const name of names) await writeFile(path.join(root, 'var/tmp', name), '');
  const { code } = await sanitize('yes');
  assert.equal(code, 0);
  assert.deepEqual(await readdir(path.join(root, 'var/tmp')), []);
});
