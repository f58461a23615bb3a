import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export interface Measured {
  readonly seconds: number;
  readonly output: string;
}

const MOST_OUTPUT = 64 * 1024;

/** Runs a program to its end and gives its time. Rejects with the end of its output when it fails or takes too long. */
export async function measure(
  file: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string; readonly limitSeconds: number },
): Promise<Measured> {
  const begin = performance.now();
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-MOST_OUTPUT);
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), options.limitSeconds * 1000);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  const seconds = (performance.now() - begin) / 1000;
  if (code !== 0) throw new Error(`${file} ended with ${code} after ${seconds.toFixed(0)} s:\n${output.slice(-2000)}`);
  return { seconds, output };
}

export async function isInstalled(program: string): Promise<boolean> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    const found = access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (await found) return true;
  }
  return false;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
