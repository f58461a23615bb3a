import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { decodeOsText } from '../util/os-text.ts';
import type { Target, TargetCommand } from './target.ts';

export interface TargetSuite {
  /** Called once before the tests; `release` after them. */
  makeTarget(): Promise<{ readonly target: Target; release(): Promise<void> }>;
  /** Size of the streams in the memory test; smaller where the machine is slow. Default 256 MiB. */
  readonly bigStreamBytes?: number;
}

const MIB = 1024 * 1024;

/** The promises of {@link Target}, which every driver runs. Only POSIX tools, `setsid` and `mkfifo` are used on the target. */
export function describeTarget(name: string, suite: TargetSuite): void {
  describe(`target: ${name}`, () => {
    let made: Awaited<ReturnType<TargetSuite['makeTarget']>> | undefined;
    before(async () => {
      made = await suite.makeTarget();
    });
    after(async () => {
      await made?.release();
    });
    const target = (): Target => {
      assert.ok(made !== undefined);
      return made.target;
    };
    const run = (argv: TargetCommand['argv'], options: Partial<TargetCommand> = {}): Promise<Collected> =>
      collect(target(), argv, options);
    const sh = (script: string, ...args: string[]): Promise<Collected> => run(['sh', '-c', script, 'sh', ...args]);

    test('arguments arrive unchanged', async () => {
      const args = [
        '',
        ' ',
        'a b',
        "it's",
        '"',
        '$HOME',
        '`id`',
        '\\',
        '*',
        '-n',
        'a\nb',
        '\t',
        '!',
        '~',
        'é€',
        ';|&<>',
        '%s',
        // Bytes that are not UTF-8, see os-text.ts.
        '\udcff\udc80\n',
        '\\\\0377\udce91',
      ];
      const result = await sh('for a; do printf "%s\\0" "$a"; done', ...args);
      assert.deepEqual(decodeOsText(result.stdout).split('\0').slice(0, -1), args);
    });

    test('a program name with spaces and quotes is found', async () => {
      const folder = await makeFolder(target());
      const path = `${folder}/it's a "tool"`;
      await run(['sh', '-c', 'cat > "$1" && chmod 700 "$1"', 'sh', path], { stdin: '#!/bin/sh\necho "$1"\n' });
      assert.equal((await run([path, 'x  y'])).stdout.toString(), 'x  y\n');
      await run(['rm', '-rf', folder]);
    });

    test('input and output are binary-safe', async () => {
      const bytes = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7 + (index >> 8)) % 256));
      assert.deepEqual((await run(['cat'], { stdin: bytes })).stdout, bytes);
      assert.deepEqual(
        (await run(['cat'], { stdin: Readable.from([bytes, bytes]) })).stdout,
        Buffer.concat([bytes, bytes]),
      );
      assert.deepEqual((await run(['cat'], { stdin: 'é\0\n' })).stdout, Buffer.from('é\0\n'));
      assert.deepEqual((await run(['cat'], { stdin: 'é\udcff' })).stdout, Buffer.of(0xc3, 0xa9, 0xff));
    });

    test('without stdin the input is empty', async () => {
      assert.equal((await run(['cat'])).stdout.length, 0);
    });

    test('a program that does not read its input ends well', async () => {
      assert.equal((await run(['true'], { stdin: Buffer.alloc(4 * MIB) })).code, 0);
    });

    test('standard output and standard error are apart', async () => {
      const result = await sh('echo out; echo err >&2');
      assert.deepEqual([result.stdout.toString(), result.stderr.toString()], ['out\n', 'err\n']);
    });

    test('exit codes are those of the program', async () => {
      for (const code of [0, 1, 3, 194, 255]) assert.equal((await sh('exit "$1"', String(code))).code, code);
    });

    test('a program ended by a signal is 128 + the signal', async () => {
      assert.equal((await sh('kill -9 $$')).code, 137);
      assert.equal((await sh('kill -TERM $$')).code, 143);
    });

    test('a program that does not exist is 127, one that cannot be executed 126', async () => {
      assert.equal((await run(['kiln-no-such-program'])).code, 127);
      assert.equal((await run(['/no/such/folder/program'])).code, 127);
      const folder = await makeFolder(target());
      await run(['touch', `${folder}/plain`]);
      assert.equal((await run([`${folder}/plain`])).code, 126);
      assert.equal((await run([folder])).code, 126);
      await run(['rm', '-rf', folder]);
    });

    test('env is added to the environment of the target', async () => {
      const value = 'a "b" $c\n\'d\' é';
      const result = await run(['sh', '-c', 'printf "%s|%s" "$KILN_TEST" "${PATH:+path}"'], {
        env: { KILN_TEST: value },
      });
      assert.equal(result.stdout.toString(), `${value}|path`);
    });

    test('cwd is where the command runs; without it the place is always the same', async () => {
      const parent = await makeFolder(target());
      const folder = `${parent}/a b`;
      await run(['mkdir', folder]);
      const there = (await run(['pwd', '-P'], { cwd: folder })).stdout.toString();
      assert.match(there, /\/a b\n$/);
      assert.deepEqual((await run(['pwd', '-P'])).stdout, (await run(['pwd', '-P'])).stdout);
      await run(['rm', '-rf', parent]);
    });

    test('commands run concurrently', async () => {
      const folder = await makeFolder(target());
      await run(['mkfifo', `${folder}/pipe`]);
      // Each waits for the other: one after the other they would never end.
      const [reader] = await Promise.all([
        run(['cat', `${folder}/pipe`]),
        run(['sh', '-c', 'echo met > "$1"', 'sh', `${folder}/pipe`]),
      ]);
      assert.equal(reader.stdout.toString(), 'met\n');
      const many = await Promise.all(Array.from({ length: 20 }, (_, index) => run(['echo', String(index)])));
      assert.deepEqual(
        many.map((result) => Number(result.stdout.toString())),
        many.map((_, index) => index),
      );
      await run(['rm', '-rf', folder]);
    });

    test('output arrives while the command runs, input is passed on as it comes', async () => {
      const stdin = new PassThrough();
      let seen = '';
      const result = await run(['sh', '-c', 'echo ready; read line; echo "got $line"'], {
        stdin,
        onStdout: (chunk) => {
          seen += chunk.toString();
          if (seen === 'ready\n') stdin.end('go\n');
        },
      });
      assert.equal(result.stdout.toString(), 'ready\ngot go\n');
    });

    test('a background process that holds the output open does not hold up the end', async () => {
      const result = await sh('sleep 300 & echo $!');
      assert.equal(result.code, 0);
      const pid = result.stdout.toString().trim();
      // It goes on: a service that a step started must live.
      assert.equal(await alive(target(), pid), true);
      await run(['kill', pid]);
    });

    test('a background process that never stops writing does not hold up the end either', async () => {
      const result = await sh('(while :; do echo again; sleep 0.1; done) & echo "pid $!"');
      assert.equal(result.code, 0);
      await run(['kill', /pid (\d+)/.exec(result.stdout.toString())?.[1] ?? '']);
    });

    test('an abort ends the whole process tree and rejects with its reason', async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const stubborn = 'trap "" TERM; while :; do sleep 300; done';
      const script = `
        sh -c '${stubborn}' & echo $!
        sh -c '(sleep 301 & echo $!)'
        setsid sh -c 'echo $$; sleep 302; :' &
        trap "" TERM; sleep 0.2; echo $$; echo ready; ${stubborn}`;
      let seen = '';
      const running = target().run({
        argv: ['sh', '-c', script],
        signal: controller.signal,
        onStdout: (chunk) => {
          seen += chunk.toString();
          if (seen.includes('ready') && seen.split('\n').length === 6) controller.abort(reason);
        },
      });
      await assert.rejects(running, (thrown) => thrown === reason);
      const pids = seen.match(/\d+/g) ?? [];
      assert.equal(pids.length, 4);
      for (const pid of pids) assert.equal(await alive(target(), pid), false, `process ${pid} of ${seen}`);
    });

    test('an abort that came before runs nothing', async () => {
      const reason = new Error('too late');
      const running = target().run({ argv: ['true'], signal: AbortSignal.abort(reason) });
      await assert.rejects(running, (thrown) => thrown === reason);
    });

    test('an abort leaves other commands alone', async () => {
      const controller = new AbortController();
      const stdin = new PassThrough();
      const other = run(['cat'], { stdin });
      const aborted = target().run({
        argv: ['sh', '-c', 'echo up; sleep 300'],
        signal: controller.signal,
        onStdout: () => controller.abort(),
      });
      await assert.rejects(aborted);
      stdin.end('still here');
      assert.equal((await other).stdout.toString(), 'still here');
    });

    test('large streams go through in bounded memory', async () => {
      const size = suite.bigStreamBytes ?? 256 * MIB;
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const highWaterMark = chunk.length;
      let most = 0;
      let received = 0;
      const stream = async (bytes: number): Promise<number> => {
        const stdin = Readable.from(repeat(chunk, bytes / chunk.length), { objectMode: false, highWaterMark });
        const { signal } = new AbortController();
        const onStdout = (part: Buffer): void => {
          received += part.length;
          most = Math.max(most, process.memoryUsage.rss());
        };
        return (await target().run({ argv: ['cat'], stdin, signal, onStdout })).code;
      };
      // What the engine lets lie before it collects garbage for the first time, some 64 MiB, says nothing of the driver.
      await stream(Math.min(size / 2, 128 * MIB));
      const start = process.memoryUsage.rss();
      [most, received] = [start, 0];
      assert.deepEqual([await stream(size), received], [0, size]);
      assert.ok(most - start < GARBAGE_BYTES, `grew by ${Math.round((most - start) / MIB)} MiB`);
    });
  });
}

/** What waits to be collected while a stream goes through: less than the smallest stream for which that is asked. */
const GARBAGE_BYTES = 96 * MIB;

function* repeat(chunk: Buffer, times: number): Generator<Buffer> {
  for (let count = 0; count < times; count++) yield chunk;
}

interface Collected {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

async function collect(
  target: Target,
  argv: TargetCommand['argv'],
  options: Partial<TargetCommand>,
): Promise<Collected> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const { code } = await target.run({
    signal: new AbortController().signal,
    ...options,
    argv,
    onStdout: (chunk) => {
      stdout.push(chunk);
      options.onStdout?.(chunk);
    },
    onStderr: (chunk) => stderr.push(chunk),
  });
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
}

async function makeFolder(target: Target): Promise<string> {
  return (await collect(target, ['mktemp', '-d', '/tmp/kiln-suite-XXXXXX'], {})).stdout.toString().trim();
}

/** Whether a process runs; one that is dead and only not yet reaped does not. */
async function alive(target: Target, pid: string): Promise<boolean> {
  const script = 'kill -0 "$1" 2>/dev/null || exit 1; ! grep -q "^State:.Z" "/proc/$1/status" 2>/dev/null';
  return (await collect(target, ['sh', '-c', script, 'sh', pid], {})).code === 0;
}
