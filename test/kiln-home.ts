/** A KILN_HOME of its own for a test, with the base images of this run already in it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { copyTestCluster } from '../src/state/test-cluster.ts';

/** Several times what the longest build of a test takes; less than the limit of a test. */
const MOST_MINUTES = 8;

const checkout = join(import.meta.dirname, '..');

export interface KilnHome extends AsyncDisposable {
  readonly path: string;
  /** A folder for files of the test beside the home; it goes with it. */
  readonly work: string;
  /** Starts `kiln ARGS` on this home. It is killed with the home if it still runs. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): KilnProcess;
}

export interface KilnProcess {
  readonly child: ChildProcess;
  /** Lines of standard output so far. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Exit code, 128 + n after signal n. Both streams have been read to their ends. */
  readonly ended: Promise<number>;
  /** The first line of standard output that `matches`; rejects when the process ends without it. */
  line(matches: (line: string) => boolean): Promise<string>;
}

export interface KilnHomeOptions {
  readonly withBaseImages: boolean;
  /** With what the cold build of this run has left (cold-build.ts): its image and its machines, which builds go on from. */
  readonly withColdBuild?: boolean;
  /** The folder to make it in. Default: that for temporary files. */
  readonly below?: string;
}

/**
 * Makes the home; disks are hard links to the image stores of this test run, `KILN_TEST_STORE` and `KILN_TEST_COLD_STORE`. Its
 * database has been made already, and what is known of the host (`KILN_TEST_CACHE`) is known there.
 */
export async function makeKilnHome(options: KilnHomeOptions): Promise<KilnHome> {
  const folder = mkdtempSync(join(options.below ?? tmpdir(), 'kiln-home-'));
  const path = join(folder, 'home');
  const work = join(folder, 'work');
  mkdirSync(path, { mode: 0o700 });
  mkdirSync(work);
  if (options.withBaseImages) {
    const name = options.withColdBuild === true ? 'KILN_TEST_COLD_STORE' : 'KILN_TEST_STORE';
    const store = process.env[name];
    if (store === undefined || !existsSync(store)) {
      throw new Error(`${name} does not name an image store: run this test by \`npm test -- NAME\``);
    }
    linkTree(store, join(path, 'images'));
  }
  const database = join(path, 'postgres');
  mkdirSync(database, { mode: 0o700 });
  await copyTestCluster(database);
  const cache = process.env['KILN_TEST_CACHE'];
  if (cache !== undefined) linkTree(cache, join(path, 'cache'));
  const children: KilnProcess[] = [];
  return {
    path,
    work,
    start(args, env = {}) {
      const process = startKiln(path, args, env);
      children.push(process);
      return process;
    },
    async [Symbol.asyncDispose]() {
      for (const { child, ended } of children) {
        if (child.exitCode === null && child.signalCode === null) {
          child.kill('SIGTERM');
          const hard = setTimeout(() => child.kill('SIGKILL'), 20_000);
          await ended;
          clearTimeout(hard);
        }
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startKiln(home: string, args: readonly string[], env: Readonly<Record<string, string>>): KilnProcess {
  const child = spawn(process.execPath, [join(checkout, 'src/cmd/kiln.ts'), ...args], {
    cwd: join(home, '..', 'work'),
    env: { ...process.env, KILN_HOME: home, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: string[] = [];
  const stderr: string[] = [];
  const waiting = new Set<() => void>();
  const collect = (lines: string[], line: string): void => {
    lines.push(line);
    for (const wake of waiting) wake();
  };
  createInterface({ input: child.stdout }).on('line', (line) => collect(stdout, line));
  createInterface({ input: child.stderr }).on('line', (line) => collect(stderr, line));
  let over = false;
  // A test that waits for a process that hangs gets what that printed, and its file ends.
  const hung = setTimeout(() => {
    collect(stderr, `the test ends this process, which has not ended after ${MOST_MINUTES} minutes`);
    child.kill('SIGTERM');
    hardEnd = setTimeout(() => child.kill('SIGKILL'), 20_000);
  }, MOST_MINUTES * 60_000);
  let hardEnd: NodeJS.Timeout | undefined;
  const ended = once(child, 'close').then(([code, signal]) => {
    clearTimeout(hung);
    clearTimeout(hardEnd);
    // Before whoever waits looks again.
    over = true;
    for (const wake of waiting) wake();
    return typeof code === 'number' ? code : signal === 'SIGKILL' ? 137 : 143;
  });
  return {
    child,
    stdout,
    stderr,
    ended,
    async line(matches) {
      for (;;) {
        const found = stdout.find(matches);
        if (found !== undefined) return found;
        if (over) {
          throw new Error(
            `kiln ${args.join(' ')} ended without the expected line.\n${[...stdout, ...stderr].slice(-30).join('\n')}`,
          );
        }
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
  };
}

function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isFile() && statSync(source).size > 1024 * 1024) linkSync(source, target);
    else cpSync(source, target, { preserveTimestamps: true });
  }
}
