import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Measured, measure } from './measure.ts';
import { type BenchComponent, templateOf } from './recipes.ts';

const launcher = join(import.meta.dirname, '../../kiln');
const LIMIT_SECONDS = 1800;

export interface KilnBuild {
  readonly name: string;
  readonly components: readonly BenchComponent[];
  readonly executor: 'auto' | 'vm';
  readonly tested?: boolean;
  readonly cold?: boolean;
  /** The version of an earlier build: the very same is asked for again. */
  readonly version?: string;
}

/** A service of a home of its own, which has the base image already. */
export interface BenchKiln extends AsyncDisposable {
  /** From the command to the file, as somebody at a terminal waits for it. */
  build(build: KilnBuild): Promise<Measured & { readonly version: string; readonly file: string }>;
  run(args: readonly string[]): Promise<Measured>;
}

export async function startKiln(folder: string, store: string): Promise<BenchKiln> {
  const home = join(folder, 'home');
  await mkdir(home, { mode: 0o700 });
  await cp(store, join(home, 'images'), { recursive: true, preserveTimestamps: true });
  const env = { KILN_HOME: home, NO_COLOR: '1', KILN_CACHE_SIZE_GIB: '50' };
  const run = (args: readonly string[]): Promise<Measured> =>
    measure(launcher, args, { env, limitSeconds: LIMIT_SECONDS });
  const service: ChildProcess = spawn(launcher, ['serve', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  if (service.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: service.stdout })) if (/https?:\/\//.test(line)) break;
  service.stdout.resume();
  let count = 0;
  return {
    run,
    build: async ({ name, components, executor, tested = false, cold = false, version = `1.0.${count++}` }) => {
      const template = join(folder, `${name}.yaml`);
      await writeFile(template, templateOf(name, version, components, { tested }));
      const file = join(folder, `${name}-${executor}.qcow2`);
      const flags = ['--executor', executor, '-o', file, ...(cold ? ['--no-cache'] : [])];
      return { ...(await run(['build', template, ...flags])), version, file };
    },
    [Symbol.asyncDispose]: async () => {
      const ended = once(service, 'exit');
      service.kill('SIGTERM');
      await ended;
    },
  };
}

/** The seconds of a step, from the summary of a build. */
export function stepSeconds({ output }: Measured, step: string): number | undefined {
  const found = new RegExp(`^ *${step} +(?:([0-9]+) min )?([0-9.]+) s$`, 'm').exec(output);
  return found === null ? undefined : Number(found[1] ?? 0) * 60 + Number(found[2]);
}
