import { once } from 'node:events';
import type { Logger } from 'pino';
import { joinStore, openStore, type Store } from '../state/open-store.ts';
import type { Command } from './command.ts';
import type { Config } from './config.ts';
import { ensureCredentials } from './credentials.ts';
import { EXIT } from './exit-codes.ts';
import { ensureHome } from './kiln-home.ts';
import { openStderrLog } from './log.ts';
import { openMachinery } from './open-disks.ts';

export const worker: Command = {
  usage: '',
  summary: 'Builds what a service queues, in a process of its own.',
  description: `The service (kiln serve) may be on this home or, with DATABASE_URL, on another machine; then this home keeps the
instances and disks of its own builds. Several workers share a queue, and take over the builds of one that is lost. It
runs until Ctrl-C or SIGTERM; builds that run then are cancelled. The log goes to standard error.`,
  positionals: { min: 0, max: 0 },
  options: {},

  async run(_args, { config, io, signal }) {
    await ensureHome(config.home);
    const credentials = await ensureCredentials(config.home);
    const log = openStderrLog(config, io.stderr.isTTY === true);
    const { startHomeWorker } = await import('./wire-worker.ts');
    await using machinery = await openMachinery(config);
    await using store = await openQueue(config, log, signal);
    const accountId = config.accountId ?? credentials.accountId;
    const region = config.region ?? credentials.region;
    await using running = await startHomeWorker({ config, store, machinery, accountId, region, log, signal });
    io.stdout.write(`kiln builds as ${running.id}\n`);
    if (!signal.aborted) await once(signal, 'abort');
    log.info('stopping');
    return EXIT.done;
  },
};

function openQueue(config: Config, log: Logger, signal: AbortSignal): Promise<Store> {
  const { databaseUrl, home } = config;
  return databaseUrl === undefined
    ? joinStore({ home: home.path, log, signal })
    : openStore({ databaseUrl, log, signal });
}
