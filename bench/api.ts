/**
 * How fast the API is: `node bench/api.ts [SECONDS] [--json FILE]`. Everything is real: a service in a process of its
 * own with its own database in a temporary home, and the load in another process, both on this machine.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { memoryOf } from './api/memory.ts';
import { report } from './api/report.ts';
import { ACCOUNT_ID, seedHome } from './api/seed.ts';

const SEED = { components: 1_000, recipes: 1_000, images: 10_000 };
/** How long the service has been idle when its memory is read: idle connections to the database are closed by then. */
const IDLE_MS = 15_000;

const checkout = resolve(import.meta.dirname, '..');
const [first] = process.argv.slice(2);
const seconds = first !== undefined && /^[0-9]+$/.test(first) ? Number(first) : 10;
const jsonFile = process.argv.includes('--json') ? process.argv.at(-1) : undefined;
const folder = mkdtempSync(join(tmpdir(), 'kiln-bench-'));

interface Running {
  readonly port: number;
  readonly pid: number;
  /** From the start of `./kiln serve` until it says where it listens. */
  readonly milliseconds: number;
  stop(): Promise<void>;
}

async function start(home: string): Promise<Running> {
  const begun = performance.now();
  const child = spawn(join(checkout, 'kiln'), ['serve', '--port', '0', '--home', home], {
    env: { ...process.env, KILN_ACCOUNT_ID: ACCOUNT_ID, KILN_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /127\.0\.0\.1:([0-9]+)/.exec(line)?.[1];
    if (port === undefined) continue;
    const milliseconds = Math.round(performance.now() - begun);
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM');
      await ended;
    };
    return { port: Number(port), pid: child.pid ?? 0, milliseconds, stop };
  }
  throw new Error('kiln serve ended before it listened');
}

async function main(): Promise<void> {
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o700 });
  // AWS's default is as many as there are before anything is measured.
  writeFileSync(join(home, 'config.yaml'), 'quotas: { components: 100000 }\n');
  const fresh = await start(home);
  await fresh.stop();
  process.stderr.write(`ready on a new home after ${fresh.milliseconds} ms; seeding\n`);
  const seeding = performance.now();
  await seedHome(home, SEED);
  process.stderr.write(`seeded in ${((performance.now() - seeding) / 1000).toFixed(1)} s\n`);
  const service = await start(home);
  try {
    await delay(IDLE_MS);
    const idle = memoryOf(service.pid, home);
    const { accessKeyId, secretAccessKey, region } = JSON.parse(readFileSync(join(home, 'credentials.json'), 'utf8'));
    const keys = { accessKeyId, secretAccessKey, region };
    const load = JSON.stringify({ port: service.port, keys, seed: SEED, seconds });
    const figures = JSON.parse(
      execFileSync(process.execPath, [join(import.meta.dirname, 'api/load.ts'), load], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    await delay(IDLE_MS);
    const result = {
      machine: `${cpus().length} x ${cpus()[0]?.model}`,
      seconds,
      readyNewHomeMs: fresh.milliseconds,
      readyExistingHomeMs: service.milliseconds,
      idleMiB: idle,
      afterLoadMiB: memoryOf(service.pid, home),
      ...figures,
    };
    process.stdout.write(`${report(result)}\n`);
    if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(result, null, 2)}\n`);
  } finally {
    await service.stop();
  }
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
