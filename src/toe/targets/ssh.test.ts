import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import ssh2 from 'ssh2';
import { makeSshKeyPair } from '../../util/ssh-key-pair.ts';
import { describeDownloads } from '../actions/web-download.suite.ts';
import { describeActions } from '../actions.suite.ts';
import { describeTarget } from '../target.suite.ts';
import { type Target, TargetLostError } from '../target.ts';
import { sshTarget } from './ssh.ts';
import type { SshAddress } from './ssh-dial.ts';

const MIB = 1024 * 1024;

/** A real sshd, one process per connection as inetd would start it, so that the port is free for certain. */
interface SshServer {
  readonly address: SshAddress;
  readonly connections: { readonly count: number };
  /** Breaks all connections; what runs in them stays. */
  cut(): void;
  /** From now on connections are accepted and never answered. */
  silent: boolean;
  close(): Promise<void>;
}

async function startServer(settings: readonly string[] = []): Promise<SshServer> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-sshd-'));
  const hostKey = makeSshKeyPair();
  const userKey = makeSshKeyPair();
  await writeFile(join(folder, 'host_key'), hostKey.private, { mode: 0o600 });
  await writeFile(join(folder, 'authorized_keys'), `${userKey.public}\n`);
  const config = [
    `HostKey ${join(folder, 'host_key')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    // What somebody's start-up files do belongs neither in the results nor in the time of tests.
    `SetEnv HOME=${folder}`,
    ...settings,
  ];
  await writeFile(join(folder, 'sshd_config'), `${config.join('\n')}\n`);
  // sshd under root refuses to start without this folder, which its service makes when it starts. It stays, as it does
  // then: somebody else's sshd may need it by now.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true });

  const sockets = new Set<Socket>();
  const children = new Set<ChildProcess>();
  let count = 0;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    count++;
    if (handle.silent) return;
    const child = spawn('/usr/sbin/sshd', ['-i', '-f', join(folder, 'sshd_config')], {
      stdio: [socket, socket, 'ignore'],
    });
    children.add(child);
    child.once('close', () => children.delete(child));
    // The child has its own copy; ours would keep the connection open after it.
    child.once('spawn', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const child of children) child.kill('SIGKILL');
    for (const socket of sockets) socket.destroy();
  };
  const handle: SshServer = {
    address: {
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      username: userInfo().username,
      privateKey: userKey.private,
      hostKey: hostKey.public,
    },
    connections: {
      get count() {
        return count;
      },
    },
    cut,
    silent: false,
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
  return handle;
}

const never = new AbortController().signal;

async function output(target: Target, argv: readonly [string, ...string[]]): Promise<string> {
  let text = '';
  await target.run({
    argv,
    signal: never,
    onStdout: (chunk) => {
      text += chunk.toString();
    },
  });
  return text;
}

describe('a server', () => {
  let server: SshServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.close());

  describeTarget('ssh', {
    // More than the bound of its memory, or the test would say nothing.
    bigStreamBytes: 128 * MIB,
    makeTarget: async () => {
      const target = sshTarget({ ...server.address, name: 'sshd' });
      return { target, release: async () => target.close() };
    },
  });

  describeActions('ssh', {
    makeTarget: async () => {
      const target = sshTarget({ ...server.address, name: 'sshd' });
      return { target, release: async () => target.close() };
    },
    root: userInfo().uid === 0,
  });

  describeDownloads('ssh', {
    makeTarget: async () => {
      const target = sshTarget({ ...server.address, name: 'sshd' });
      return { target, release: async () => target.close() };
    },
  });

  test('all commands share one connection, also when many begin at once', async () => {
    const target = sshTarget({ ...server.address, name: 'sshd' });
    const begin = server.connections.count;
    await Promise.all(Array.from({ length: 25 }, () => target.run({ argv: ['true'], signal: never })));
    target.close();
    assert.equal(server.connections.count - begin, 1);
  });

  test('a command line longer than the shell takes arrives whole', async () => {
    const target = sshTarget({ ...server.address, name: 'sshd' });
    const long = `'${'x'.repeat(90 * 1024)}'`;
    let text = '';
    await target.run({
      argv: ['sh', '-c', 'printf "%s|%s|" "$1" "$2"; cat', 'sh', long, long],
      stdin: 'input',
      signal: never,
      onStdout: (chunk) => {
        text += chunk.toString();
      },
    });
    target.close();
    assert.equal(text, `${long}|${long}|input`);
  });

  test('a daemon that left session and parent behind ends with the aborted command', async () => {
    const target = sshTarget({ ...server.address, name: 'sshd' });
    const controller = new AbortController();
    let pid = '';
    const running = target.run({
      argv: ['sh', '-c', '(setsid sh -c "echo \\$\\$; exec sleep 300" &); sleep 300'],
      signal: controller.signal,
      onStdout: (chunk) => {
        pid += chunk.toString();
        controller.abort();
      },
    });
    await assert.rejects(running);
    // Dead, though perhaps not yet reaped.
    const living = ['sh', '-c', 'grep -q "^State:.[^ZX]" "/proc/$1/status"', 'sh', pid.trim()] as const;
    assert.notEqual((await target.run({ argv: living, signal: never })).code, 0);
    target.close();
  });

  test('another host key is refused before anything is sent', async () => {
    const other = makeSshKeyPair().public;
    const target = sshTarget({ ...server.address, hostKey: other, name: 'impostor', reconnectMs: 0 });
    await assert.rejects(
      target.run({ argv: ['true'], signal: never }),
      (error) => error instanceof TargetLostError && /impostor.*host key/.test(error.message),
    );
    target.close();
  });

  test('a command whose connection breaks is lost, the next one connects again', async () => {
    const target = sshTarget({ ...server.address, name: 'sshd' });
    const running = target.run({
      argv: ['sh', '-c', 'echo up; exec sleep 2'],
      signal: never,
      onStdout: () => server.cut(),
    });
    await assert.rejects(running, TargetLostError);
    assert.equal(await output(target, ['echo', 'again']), 'again\n');
    target.close();
  });

  /** What is left of the output of the surviving command whose mark is in `text`. */
  const spooled = async (target: Target, text: string): Promise<string> => {
    const [mark = 'no mark'] = /[0-9a-f-]{36}/.exec(text) ?? [];
    // It is removed while the next command runs.
    await target.run({ argv: ['true'], signal: never });
    return output(target, ['sh', '-c', 'ls -d -- "/var/tmp/.kiln-$1" 2>/dev/null || echo gone', 'sh', mark]);
  };

  test('a command that is to survive goes on when the connection breaks; output and exit code are collected', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kiln-cut-'));
    const target = sshTarget({ ...server.address, name: 'sshd' });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    let cuts = 0;
    const script = `
      echo "$KILN_COMMAND" >&2
      read -r word; echo "$word"; pwd
      until [ -e go1 ]; do sleep 0.05; done
      seq 1 200000; seq 1 1000 >&2
      until [ -e go2 ]; do sleep 0.05; done
      echo 'last é'; exit 7`;
    const exit = await target.run({
      argv: ['sh', '-c', script],
      cwd: folder,
      stdin: 'first\n',
      survives: true,
      signal: never,
      onStdout: (chunk) => {
        out.push(chunk);
        const text = Buffer.concat(out).toString();
        // Once while it waits, once in the middle of its output.
        if ((cuts === 0 && text.endsWith(`${folder}\n`)) || (cuts === 1 && text.length > 100_000)) {
          cuts++;
          server.cut();
          void writeFile(join(folder, `go${cuts}`), '');
        }
      },
      onStderr: (chunk) => err.push(chunk),
    });
    const numbers = (count: number): string => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('');
    assert.equal(exit.code, 7);
    assert.equal(cuts, 2);
    assert.equal(Buffer.concat(out).toString(), `first\n${folder}\n${numbers(200_000)}last é\n`);
    const [mark = '', ...rest] = Buffer.concat(err)
      .toString()
      .split(/(?<=\n)/);
    assert.equal(rest.join(''), numbers(1000));
    assert.equal(await spooled(target, mark), 'gone\n');
    target.close();
    await rm(folder, { recursive: true });
  });

  test('a surviving command can be aborted after the connection broke, and leaves nothing', async () => {
    const target = sshTarget({ ...server.address, name: 'sshd' });
    const controller = new AbortController();
    let text = '';
    const running = target.run({
      argv: [
        'sh',
        '-c',
        'trap "" TERM; echo "$$ $KILN_COMMAND"; (setsid sleep 300 &); while :; do sleep 0.2; echo more; done',
      ],
      survives: true,
      signal: controller.signal,
      onStdout: (chunk) => {
        text += chunk.toString();
        if (text === /^\d+ .*\n/.exec(text)?.[0]) server.cut();
        if (text.includes('more')) controller.abort(new Error('enough'));
      },
    });
    await assert.rejects(running, /enough/);
    const living = [
      'sh',
      '-c',
      'grep -q "^State:.[^ZX]" "/proc/$1/status"',
      'sh',
      String(Number.parseInt(text, 10)),
    ] as const;
    assert.notEqual((await target.run({ argv: living, signal: never })).code, 0);
    assert.equal(await spooled(target, text), 'gone\n');
    target.close();
  });

  test('a surviving command that went away with its machine is lost', async () => {
    const target = sshTarget({ ...server.address, name: 'sshd' });
    const running = target.run({
      argv: ['sh', '-c', 'echo "$PPID"; sleep 300'],
      survives: true,
      signal: never,
      onStdout: (chunk) => {
        server.cut();
        // As a reset would: everything at once.
        for (const pid of [Number(chunk.toString())]) process.kill(-pid, 'SIGKILL');
      },
    });
    await assert.rejects(running, TargetLostError);
    target.close();
  });

  test('a machine that is known to be gone is not tried again', async () => {
    const reason = new Error('its process has ended');
    const target = sshTarget({ ...server.address, name: 'dead', whyGone: () => reason });
    const running = target.run({ argv: ['true'], signal: never });
    await assert.rejects(running, (error) => error instanceof TargetLostError && error.cause === reason);
  });

  test('close rejects what runs', async () => {
    const target = sshTarget({ ...server.address, name: 'sshd' });
    const running = target.run({
      argv: ['sh', '-c', 'echo up; exec sleep 1'],
      signal: never,
      onStdout: () => target.close(),
    });
    await assert.rejects(running, TargetLostError);
    await assert.rejects(target.run({ argv: ['true'], signal: never }), TargetLostError);
  });

  test('an abort ends the waiting for a machine that accepts and stays silent', async () => {
    server.silent = true;
    try {
      const controller = new AbortController();
      const target = sshTarget({ ...server.address, name: 'silent' });
      const begin = server.connections.count;
      const running = target.run({ argv: ['true'], signal: controller.signal });
      running.catch(() => {});
      while (server.connections.count === begin) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(new Error('enough'));
      await assert.rejects(running, /enough/);
      target.close();
    } finally {
      server.silent = false;
      server.cut();
    }
  });
});

test('a server that allows fewer channels makes commands wait their turn', async (t) => {
  const server = await startServer(['MaxSessions 2']);
  t.after(server.close);
  const target = sshTarget({ ...server.address, name: 'narrow' });
  t.after(target.close);
  const results = await Promise.all(Array.from({ length: 12 }, (_, index) => output(target, ['echo', String(index)])));
  assert.deepEqual(
    results,
    results.map((_, index) => `${index}\n`),
  );
});

test('a server that has not yet closed the last channel is asked again', async (t) => {
  const server = await startQuickServer({ refusals: 3 });
  t.after(server.close);
  const target = sshTarget({ ...server.address, name: 'slow' });
  t.after(target.close);
  assert.equal(await output(target, ['true']), 'all\n');
});

test('a server that allows no channel at all is a lost machine, with what it said', async (t) => {
  const server = await startServer(['MaxSessions 0']);
  t.after(server.close);
  const target = sshTarget({ ...server.address, name: 'closed' });
  t.after(target.close);
  await assert.rejects(output(target, ['true']), {
    name: 'TargetLostError',
    message: 'closed cannot be reached: (SSH) Channel open failure: open failed',
  });
});

test('what the login shell prints by itself is not output of the command', async (t) => {
  const server = await startServer(['ForceCommand echo welcome; eval "$SSH_ORIGINAL_COMMAND"']);
  t.after(server.close);
  const target = sshTarget({ ...server.address, name: 'chatty' });
  t.after(target.close);
  assert.equal(await output(target, ['echo', 'mine']), 'mine\n');
});

describe('a program whose whole life comes in one packet', () => {
  for (const [what, staysOpen] of [
    ['and whose channel is closed', false],
    ['while its output stays open', true],
  ] as const) {
    test(`${what} has ended with its code and output`, async (t) => {
      const server = await startQuickServer({ staysOpen });
      t.after(server.close);
      const target = sshTarget({ ...server.address, name: 'quick' });
      t.after(target.close);
      let text = '';
      const exit = await target.run({
        argv: ['true'],
        signal: never,
        onStdout: (chunk) => {
          text += chunk.toString();
        },
      });
      assert.deepEqual([exit, text], [{ code: 7 }, 'all\n']);
    });
  }
});

interface QuickServer {
  /** Channels that are refused before one is granted. */
  readonly refusals?: number;
  /** Whether the channel stays open when the program has ended. */
  readonly staysOpen?: boolean;
}

/** A server that says everything about a program at once: that it started, what it printed and that it exits with 7. */
async function startQuickServer({
  refusals = 0,
  staysOpen = false,
}: QuickServer): Promise<{ readonly address: SshAddress; close(): Promise<void> }> {
  const hostKey = makeSshKeyPair();
  const sockets = new Set<Socket>();
  let refused = 0;
  const listener = createServer((socket) => {
    sockets.add(socket);
    const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
      client.on('error', () => {});
      client.on('authentication', (context) => context.accept());
      client.on('session', (accept, refuse) => {
        if (refused < refusals) {
          refused++;
          refuse();
          return;
        }
        accept().on('exec', (started, _, { command }) => {
          socket.cork();
          const channel = started();
          channel.write(`\x1e${/[0-9a-f-]{36}/.exec(command)?.[0]} 1\nall\n`);
          channel.exit(7);
          if (!staysOpen) channel.end();
          setImmediate(() => socket.uncork());
        });
      });
    });
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    address: {
      host: '127.0.0.1',
      port: (listener.address() as AddressInfo).port,
      username: 'anybody',
      privateKey: makeSshKeyPair().private,
      hostKey: hostKey.public,
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
