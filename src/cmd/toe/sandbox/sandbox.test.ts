import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run as runProgram } from '../../../util/spawn.ts';
import { environmentOf } from '../../environment.fixture.ts';

const KILN = join(import.meta.dirname, '..', '..', 'kiln.ts');
const skip = process.getuid?.() !== 0;
/** A time to sleep by which processes of this test are known. */
const SLEEP = `4321.${process.pid}`;

describe('sandbox', { skip }, () => {
  let folder = '';
  const started: ChildProcess[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-sandbox-'));
  });
  after(async () => {
    for (const child of started) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  const environment = (): Record<string, string> => ({
    ...environmentOf(join(folder, 'home')),
    SECRET_OF_CALLER: 'x',
  });
  const sandboxes = (): Promise<readonly string[]> => readdir(join(folder, 'home', 'run', 'sandboxes'));
  const mounts = async (): Promise<readonly string[]> =>
    (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(folder));

  async function toe(...args: string[]) {
    const { code, stdout, stderr } = await runProgram(process.execPath, [KILN, 'toe', 'run', ...args], {
      cwd: folder,
      env: environment(),
    });
    return { code, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  async function document(name: string, ...steps: readonly object[]): Promise<string> {
    await writeFile(join(folder, name), JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'build', steps }] }));
    return name;
  }

  const bash = (name: string, ...commands: string[]): object => ({ name, action: 'ExecuteBash', inputs: { commands } });

  /** Starts a run that waits in its step, and gives it once the step says so. */
  async function startLong(): Promise<{ child: ChildProcess; pid: string }> {
    const file = await document('long.yaml', bash('Long', `sleep ${SLEEP} & setsid sleep ${SLEEP} & echo up; wait`));
    const child = spawn(process.execPath, [KILN, 'toe', 'run', '--sandbox', '--base', 'host', '-d', file], {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let seen = '';
    started.push(child);
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        if (seen.includes('    up\n')) resolve();
      });
      child.once('exit', () => resolve());
    });
    assert.match(seen, / {4}up\n/);
    return { child, pid: (await sandboxes())[0] ?? '' };
  }

  /** Processes of the sandbox: those that hold it, and what its steps left running. */
  async function holders(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const table = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (table.includes(`${folder}/home/run/sandboxes`) || command === `sleep\0${SLEEP}\0`) found.push(pid);
    }
    return found;
  }

  test('what steps write and delete is gone afterwards, and nothing of the caller is seen', async () => {
    const file = await document(
      'changes.yaml',
      bash(
        'Change',
        `echo changed > /etc/kiln-sandbox-was-here; rm -rf /etc/hostname ${folder}/keep`,
        'useradd sandbox-user; id -u sandbox-user; uname -n; echo "[$SECRET_OF_CALLER]"',
        'ps -e 2>/dev/null | grep -c kiln || echo 0 processes',
      ),
      { name: 'Reboot', action: 'Reboot', inputs: { delaySeconds: 0 } },
      bash('AfterReboot', 'cat /etc/kiln-sandbox-was-here; [ ! -e /etc/hostname ]'),
    );
    await writeFile(join(folder, 'keep'), 'kept');
    const before = await stat('/etc/passwd');
    const { code, stdout, stderr } = await toe('--sandbox', '--base', 'host', '-d', file);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /\n {4}sandbox\n {4}\[\]\n/);
    assert.match(stderr, /build\/AfterReboot ExecuteBash\n {4}changed\n/);
    assert.equal(JSON.parse(stdout).logUrl, '');
    assert.equal(await readFile(join(folder, 'keep'), 'utf8'), 'kept');
    assert.ok((await stat('/etc/hostname')).isFile());
    assert.equal((await stat('/etc/passwd')).mtimeMs, before.mtimeMs);
    await assert.rejects(stat('/etc/kiln-sandbox-was-here'));
    assert.deepEqual([await sandboxes(), await mounts(), await holders()], [[], [], []]);
  });

  test('a failed step is a failed run, and leaves nothing either', async () => {
    const file = await document('fails.yaml', bash('Bad', 'chattr +i /tmp/toe 2>/dev/null; exit 3'));
    const { code, stderr } = await toe('--sandbox', '--base', 'host', '-d', file, '-l', 'logs');
    assert.equal(code, 1);
    assert.match(stderr, /failed: exit status 3/);
    assert.equal((await readdir(join(folder, 'logs'))).length, 1);
    assert.deepEqual([await sandboxes(), await mounts(), await holders()], [[], [], []]);
  });

  test('SIGTERM ends the processes of the sandbox and removes it', async () => {
    const { child } = await startLong();
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    assert.equal(code, 130);
    assert.deepEqual([await sandboxes(), await mounts(), await holders()], [[], [], []]);
  });

  test('after kill -9 no process and no mount is left, and the next sandbox removes the files', async () => {
    const { child, pid } = await startLong();
    // The step says that it is up before the last of its processes has become what it will be.
    while ((await holders()).length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGKILL');
    await once(child, 'exit');
    // The kernel kills what is in the container when its first process is gone; that takes a moment.
    while ((await holders()).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual([await sandboxes(), await mounts()], [[pid], []]);
    const file = await document('next.yaml', bash('Next', 'true'));
    assert.equal((await toe('--sandbox', '--base', 'host', '-d', file)).code, 0);
    assert.deepEqual([await sandboxes(), await mounts()], [[], []]);
  });

  test('a base that is not there is told with those that are', async () => {
    const file = await document('ok.yaml', bash('Ok', 'true'));
    const { code, stderr } = await toe('--sandbox', '--base', 'debian-server-99', '-d', file);
    assert.equal(code, 2);
    assert.match(stderr, /there is no base debian-server-99; there are host, .*debian-server-12-x86/);
    assert.equal((await toe('--base', 'host', '-d', file)).code, 2);
  });
});
