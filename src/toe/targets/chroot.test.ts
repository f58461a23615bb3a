import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BuilderFault } from '../../util/faults.ts';
import { describeDownloads } from '../actions/web-download.suite.ts';
import { describeActions } from '../actions.suite.ts';
import { capture } from '../capture.ts';
import { documentOf, run } from '../run-documents.fixture.ts';
import { describeTarget } from '../target.suite.ts';
import { RebootRefusedError, TargetLostError } from '../target.ts';
import { type ChrootTarget, type ChrootTargetOptions, openChrootTarget } from './chroot.ts';
import { type CallMachine, REFUSED_CALLS } from './refused-calls.ts';

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
  describeDownloads('container', { makeTarget });

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

  test('its first process tells nothing of the host', async () => {
    await using target = await open(root);
    assert.equal(await say(target, 'cat /proc/1/comm; tr -d "\\0" </proc/1/cmdline'), 'kiln\nkiln');
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
      'mknod /tmp/disk b 8 0',
      'mknod /tmp/memory c 1 1',
      'cat /proc/kcore /proc/partitions /proc/keys | grep .',
      'ls /sys/block/* /sys/class/*/* /sys/firmware/* /sys/devices/pci*',
      'hostname other',
      'date -s @0',
      'modprobe loop',
      'nsenter -t 1 -m true',
      'unshare -m true',
      'ls /dev/.host',
      'touch /usr/x',
    ];
    for (const attempt of attempts) assert.match(await say(target, `${attempt} || exit 9`), /exit 9$/, attempt);
    const rights = await say(target, 'grep -E "^Cap(Inh|Prm|Eff|Bnd)" /proc/self/status | cut -f 2 | xargs');
    assert.equal(rights, `${'0'.repeat(16)}${' 00000000b00427fb'.repeat(3)}\n`);
    const outbreak =
      'mkdir -p /tmp/jail; cd /; chroot /tmp/jail /bin/true; cd ../../../../../..; ls -d home work || exit 9';
    assert.match(await say(target, outbreak), /exit 9$/);
  });

  test('system calls that act on the whole machine are refused, whoever asks', async () => {
    await using target = await open(root);
    const script =
      'for (@ARGV) { my ($name, $number) = split /=/; my $done = syscall($number + 0, 0, 0, 0, 0, 0); print "$name ", $done == -1 ? $! + 0 : "done", "\\n" }';
    const calls = REFUSED_CALLS.flatMap(({ name, [process.arch as CallMachine]: number }) =>
      number === undefined ? [] : [`${name}=${number}`],
    );
    const { stdout } = await capture(target, { argv: ['perl', '-e', script, ...calls], signal: never });
    const refused = REFUSED_CALLS.map(({ name, refusal }) => `${name} ${refusal === 'ENOSYS' ? 38 : 1}`);
    assert.deepEqual(stdout.trim().split('\n'), refused);
    const sockets =
      'for (1, 2, 10, 16, 38, 40) { print socket(my $s, $_, $_ == 16 ? 3 : $_ == 38 ? 5 : 1, 0) ? "yes " : "no " }';
    assert.equal(
      (await capture(target, { argv: ['perl', '-e', sockets], signal: never })).stdout,
      'yes yes yes yes no no ',
    );
  });

  test('programs of the host on the way in do what no environment says, and cannot be looked at', async () => {
    await using target = await open(root, { environment: { PATH, PERL5OPT: '-Mno_such_module', LD_BIND_NOT: '1' } });
    const shown = await capture(target, {
      argv: ['sh', '-c', 'echo "$PERL5OPT $LD_LIBRARY_PATH"; env | grep -c KILN_VARIABLE'],
      env: { LD_LIBRARY_PATH: './lib', 'A-B': 'c' },
      signal: never,
    });
    assert.deepEqual([shown.stdout, shown.stderr], ['-Mno_such_module ./lib\n0\n', '']);

    const folder = await mkdtemp(join(tmpdir(), 'kiln-of-the-host-'));
    const secret = join(folder, 'secret');
    await writeFile(secret, '');
    // Looks through whatever enters, as fast as it can.
    const spy = 'while :; do for root in /proc/[0-9]*/root; do [ ! -e "$root$0" ] || echo seen >/tmp/seen; done; done';
    const spying = new AbortController();
    const looking = target.run({ argv: ['sh', '-c', spy, secret], signal: spying.signal }).catch(() => {});
    for (let entry = 0; entry < 40; entry++) await say(target, 'true');
    spying.abort();
    await looking;
    assert.match(await say(target, 'cat /tmp/seen'), /exit 1$/);
    await rm(folder, { recursive: true });
  });

  test('what is too much memory for it ends, and it goes on', async () => {
    await using target = await open(root, { maxMemory: 64 * 1024 * 1024 });
    assert.match(await say(target, 'head -c 512M /dev/zero | tail | wc -c; [ "$?" = 0 ]'), /^0\n|exit/);
    assert.equal(await say(target, 'echo again'), 'again\n');
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

  test('one that starts processes without end is stopped, and says what of', async () => {
    await using target = await open(root, { maxProcesses: 40 });
    const commands = ['sh -c "while :; do sleep 300 & done"'];
    const endless = { name: 'Endless', action: 'ExecuteBash', inputs: { commands } };
    const result = await run([documentOf({ build: [endless] })], { target, workingDirectory: '/tmp/endless' });
    const { errorMessage, lastLines } = result.firstFailure ?? {};
    assert.match(errorMessage ?? '', /exit status/);
    assert.match((lastLines ?? []).join('\n'), /Cannot fork/);
  });

  test('what bounds it is a group of the kernel, that goes with it', async () => {
    const groups = async (): Promise<readonly string[]> => {
      const found = ['pids', 'memory', 'cpu', '.'].map(async (below) => {
        const folder = join('/sys/fs/cgroup', below);
        const names = await readdir(folder).catch(() => []);
        return names.filter((name) => name.startsWith(`kiln-${process.pid}-`)).map((name) => join(folder, name));
      });
      return (await Promise.all(found)).flat();
    };
    const target = await open(root, { maxMemory: 64 * 1024 * 1024, maxProcessors: 2 });
    const folders = await groups();
    const limit = async (...names: readonly string[]): Promise<string | undefined> => {
      const texts = folders.flatMap((folder) =>
        names.map((name) => readFile(join(folder, name), 'utf8').catch(() => undefined)),
      );
      return (await Promise.all(texts)).find((text) => text !== undefined)?.trim();
    };
    const bounded = (what: ChrootTarget['unbounded'][number]): boolean => !target.unbounded.includes(what);
    // A system may have some of them only.
    if (bounded('processes')) assert.equal(await limit('pids.max'), '4096');
    if (bounded('memory')) assert.equal(await limit('memory.limit_in_bytes', 'memory.max'), String(64 * 1024 * 1024));
    if (bounded('processors')) assert.match((await limit('cpu.cfs_quota_us', 'cpu.max')) ?? '', /^200000( 100000)?$/);
    await target.close();
    assert.deepEqual(await groups(), []);
  });

  test('without control groups each of its processes is bounded by itself', async () => {
    const controlGroups = join(root, 'none');
    await using target = await open(root, { maxMemory: 64 * 1024 * 1024, controlGroups });
    assert.deepEqual(target.unbounded, ['processes', 'memory']);
    const failed = await capture(target, { argv: ['sh', '-c', 'head -c 512M /dev/zero | tail'], signal: never });
    assert.match(failed.stderr, /memory exhausted/);
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

  test('nor does a link above the place of a bind lead out of it', async () => {
    const hostile = await makeRoot();
    const outside = await mkdtemp(join(tmpdir(), 'kiln-outside-'));
    await symlink(outside, join(hostile, 'opt'));
    const binds = [{ source: '/etc/os-release', path: '/opt/of/host', readOnly: true }];
    await assert.rejects(
      open(hostile, { binds }),
      (error) => error instanceof BuilderFault && /opt is a link/.test(error.message),
    );
    assert.deepEqual(await readdir(outside), []);
    await rm(hostile, { recursive: true });
    await rm(outside, { recursive: true });
  });

  test('a resolv.conf that is a link to somewhere else is no way to write a file of the host', async () => {
    const hostile = await makeRoot();
    const outside = await mkdtemp(join(tmpdir(), 'kiln-outside-'));
    const victim = join(outside, 'victim');
    await writeFile(victim, 'mine\n');
    const up = '../'.repeat(20);
    const links = [
      `/run/${up}${victim}`,
      `../run/${up}${victim}`,
      `/run/./${up}${victim}`,
      victim,
      `/run/${up}${outside}/new`,
    ];
    for (const link of links) {
      await symlink(link, join(hostile, 'etc/resolv.conf'));
      await using target = await open(hostile, { resolver: '/etc/os-release' });
      assert.equal(await say(target, 'cat /run/.resolv.conf'), await readFile('/etc/os-release', 'utf8'), link);
      await rm(join(hostile, 'etc/resolv.conf'));
    }
    assert.equal(await readFile(victim, 'utf8'), 'mine\n');
    assert.deepEqual(await readdir(outside), ['victim']);
    await rm(hostile, { recursive: true });
    await rm(outside, { recursive: true });
  });

  test('a resolv.conf that is a link to what a service makes is what it is told', async () => {
    const linked = await makeRoot();
    await symlink('../run/systemd/resolve/stub-resolv.conf', join(linked, 'etc/resolv.conf'));
    await using target = await open(linked, { resolver: '/etc/os-release' });
    assert.equal(await say(target, 'cat /etc/resolv.conf'), await readFile('/etc/os-release', 'utf8'));
    await target.close();
    await rm(linked, { recursive: true });
  });

  test('a read-only bind keeps what else its source may not', async () => {
    const binds = [
      { source: '/usr', path: '/usr', readOnly: true },
      { source: '/dev/shm', path: '/mnt', readOnly: true },
    ];
    await using target = await open(root, { binds });
    const [options = ''] = (await say(target, 'grep " /mnt " /proc/self/mounts | tail -n 1 | cut -d" " -f4')).split(
      '\n',
    );
    const flags = (await readFile('/proc/self/mounts', 'utf8'))
      .split('\n')
      .find((line) => line.split(' ')[1] === '/dev/shm');
    for (const flag of ['nosuid', 'nodev', 'noexec'])
      assert.equal(options.split(',').includes(flag), flags?.split(' ')[3]?.split(',').includes(flag), flag);
    assert.ok(options.split(',').includes('ro'), options);
  });

  test('a root folder that is not there is told', async () => {
    await assert.rejects(
      open('/no/such/root'),
      (error) =>
        error instanceof BuilderFault && /\/no\/such\/root cannot be entered: No such file/.test(error.message),
    );
  });
});

async function mountsBelow(folder: string): Promise<readonly string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').filter((line) => line.includes(folder));
}
