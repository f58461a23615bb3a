import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BuilderFault } from '../../util/faults.ts';
import { describeActions } from '../actions.suite.ts';
import { capture } from '../capture.ts';
import { documentOf, run } from '../run-documents.fixture.ts';
import { describeTarget } from '../target.suite.ts';
import { RebootRefusedError, TargetLostError } from '../target.ts';
import { type ChrootTarget, type ChrootTargetOptions, openChrootTarget } from './chroot.ts';

const never = new AbortController().signal;
const skip = process.getuid?.() !== 0;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A root folder with this machine's programs and nothing else of it. */
async function makeRoot(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'kiln-chroot-'));
  for (const folder of ['etc', 'usr', 'root', 'tmp', 'var']) await mkdir(join(root, folder));
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${folder}`, join(root, folder));
  for (const file of ['passwd', 'group', 'nsswitch.conf', 'os-release'])
    await cp(join('/etc', file), join(root, 'etc', file), { dereference: true });
  return root;
}

async function open(root: string, options: Partial<ChrootTargetOptions> = {}): Promise<ChrootTarget> {
  const binds = [{ source: '/usr', path: '/usr', readOnly: true }];
  const alternatives = { source: '/etc/alternatives', path: '/etc/alternatives', readOnly: true };
  return openChrootTarget(
    { name: 'box', root, environment: { PATH, HOME: '/root' }, binds: [...binds, alternatives], ...options },
    never,
  );
}

async function makeTarget() {
  const root = await makeRoot();
  const target = await open(root);
  const release = async (): Promise<void> => {
    await target.close();
    await rm(root, { recursive: true });
  };
  return { target, release };
}

describe('container', { skip }, () => {
  describeTarget('container', { makeTarget, bigStreamBytes: 1024 ** 3 });
  describeActions('container', { makeTarget, root: true });

  let root = '';
  before(async () => {
    root = await makeRoot();
  });
  after(async () => {
    await rm(root, { recursive: true });
  });
  const say = async (target: ChrootTarget, script: string): Promise<string> => {
    const { code, stdout, stderr } = await capture(target, { argv: ['sh', '-c', script], signal: never });
    return `${stdout}${stderr}${code === 0 ? '' : `exit ${code}`}`;
  };

  test('it has processes, host name, devices and a file system of its own', async () => {
    await using target = await open(root, { hostname: 'inside' });
    assert.equal(await say(target, 'uname -n'), 'inside\n');
    assert.equal(
      await say(target, '[ $$ -lt 300 ] && echo $(ls /)'),
      'bin dev etc lib lib64 proc root run sbin sys tmp usr var\n',
    );
    assert.equal(
      await say(target, 'echo x > /dev/null; head -c 3 /dev/zero | wc -c; ls -A /dev | tr "\\n" " "'),
      '3\nfd full null ptmx pts random shm stderr stdin stdout tty urandom zero ',
    );
  });

  test('orphans do not stay behind as zombies', async () => {
    await using target = await open(root);
    await say(target, 'sleep 0.01 & sleep 0.01 & exit');
    const zombies = 'while grep -q "^State:.Z" /proc/[0-9]*/status; do sleep 0.05; done; echo none';
    assert.equal(await say(target, zombies), 'none\n');
  });

  test('root in it has no power over the host', async () => {
    await using target = await open(root);
    const attempts = [
      'mount -t tmpfs tmpfs /tmp',
      'umount /proc/sys',
      'echo 1 > /proc/sys/vm/drop_caches',
      'echo x > /proc/sysrq-trigger',
      'ls /proc/1/root/etc',
      'mknod /tmp/disk b 8 0 && head -c 1 /tmp/disk',
      'hostname other',
      'date -s @0',
      'modprobe loop',
      'nsenter -t 1 -m true',
      'unshare -m true',
      'ls /dev/.host',
      'touch /usr/x',
    ];
    for (const attempt of attempts) assert.match(await say(target, `${attempt} || exit 9`), /exit 9$/, attempt);
    const outbreak =
      'mkdir -p /tmp/jail; cd /; chroot /tmp/jail /bin/true; cd ../../../../../..; ls -d home work || exit 9';
    assert.match(await say(target, outbreak), /exit 9$/);
  });

  test('a host without a network of its own has none', async () => {
    await using target = await open(root, { network: 'none' });
    assert.equal(await say(target, 'cat /proc/net/dev | grep -c :'), '1\n');
  });

  test('binds are seen at their place, writable ones are written through', async () => {
    const shared = await mkdtemp(join(tmpdir(), 'kiln-shared-'));
    await using target = await open(root, {
      binds: [
        { source: '/usr', path: '/usr', readOnly: true },
        { source: shared, path: '/mnt/a b', readOnly: false },
      ],
    });
    assert.equal(await say(target, 'echo hello > "/mnt/a b/file"'), '');
    assert.equal(await readFile(join(shared, 'file'), 'utf8'), 'hello\n');
    await rm(shared, { recursive: true });
  });

  test('a fork bomb meets the limit of processes, and ends with its time', async () => {
    await using target = await open(root, { maxProcesses: 100 });
    const bomb = {
      name: 'Bomb',
      action: 'ExecuteBash',
      timeoutSeconds: 2,
      inputs: { commands: ['b() { b | b & }; b; sleep 300'] },
    };
    const result = await run([documentOf({ build: [bomb] })], { target, workingDirectory: '/tmp/bomb' });
    assert.match(result.firstFailure?.errorMessage ?? '', /timed out after 2 s|exit status/);
    assert.equal(await say(target, 'echo again'), 'again\n');
  });

  test('it is never rebooted', async () => {
    await using target = await open(root);
    await assert.rejects(target.reboot(never), RebootRefusedError);
  });

  test('with it every process ends, and what runs is lost', async () => {
    const target = await open(root);
    let pid = '';
    const running = target.run({
      argv: ['sh', '-c', 'sleep 300 & setsid sleep 300 & echo up; wait'],
      signal: never,
      onStdout: (chunk) => {
        pid += chunk.toString();
        void target.close();
      },
    });
    await assert.rejects(running, TargetLostError);
    assert.equal(pid, 'up\n');
    await assert.rejects(target.run({ argv: ['true'], signal: never }), TargetLostError);
    assert.deepEqual(await mountsBelow(root), []);
  });

  test('no mount of it is seen on the host', async () => {
    await using target = await open(root);
    assert.match(await say(target, 'cat /proc/self/mounts'), /^\S+ \/ .*\n(.*\n)*devpts \/dev\/pts /);
    assert.deepEqual(await mountsBelow(root), []);
  });

  test('a root folder in which a link stands for a mount point is refused', async () => {
    const hostile = await makeRoot();
    await symlink('/tmp', join(hostile, 'dev'));
    await assert.rejects(
      open(hostile),
      (error) => error instanceof BuilderFault && /dev is a link/.test(error.message),
    );
    await rm(hostile, { recursive: true });
  });

  test('a root folder that is not there is told', async () => {
    await assert.rejects(open('/no/such/root'), BuilderFault);
  });
});

async function mountsBelow(folder: string): Promise<readonly string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').filter((line) => line.includes(folder));
}
