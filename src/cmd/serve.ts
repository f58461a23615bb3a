import { once } from 'node:events';
import { lockHome } from '../state/home-lock.ts';
import { BuilderFault } from '../util/faults.ts';
import type { Command } from './command.ts';
import { ensureCredentials } from './credentials.ts';
import { ENDPOINT_OPTIONS, readEndpoints } from './endpoints.ts';
import { EXIT } from './exit-codes.ts';
import { ensureHome } from './kiln-home.ts';
import { openStderrLog } from './log.ts';
import { openMachinery } from './open-disks.ts';

export const serve: Command = {
  usage: '[--no-worker] [--port N] [--listen ADDRESS:PORT] [--tls] [--socket PATH] [--endpoint-policy FILE]',
  summary: 'Runs the service: the EC2 Image Builder API on loopback, and the worker that builds.',
  description: 'It runs until Ctrl-C or SIGTERM; builds that run then are cancelled. The log goes to standard error.',
  positionals: { min: 0, max: 0 },
  options: {
    port: { type: 'string', value: 'N', help: 'port to listen on; 0 takes a free one (KILN_PORT)' },
    'no-worker': { type: 'boolean', help: 'builds nothing itself: `kiln worker` does, here or on other machines' },
    ...ENDPOINT_OPTIONS,
  },

  async run(args, { config, io, signal }) {
    await ensureHome(config.home);
    const credentials = await ensureCredentials(config.home);
    const found = await lockHome(config.home.path);
    if (!found.acquired) {
      const owner = found.owner === undefined ? 'Another kiln' : `Another kiln (process ${found.owner.pid})`;
      const where = found.owner?.url === undefined ? '' : `, and listens on ${found.owner.url}`;
      throw new BuilderFault(`${owner} runs with ${config.home.path} already${where}.`, {
        hint: 'Commands find it by themselves; end it to start another one.',
      });
    }
    await using lock = found.lock;
    const endpoints = await readEndpoints(args, config, signal);
    // The port is for whoever comes from elsewhere; commands of this home then find the service at another one.
    const port = args.flag('tls') || args.text('listen') !== undefined ? 0 : config.port;
    const { startService } = await import('./wire-service.ts');
    await using machinery = await openMachinery(config);
    const log = openStderrLog(config, io.stderr.isTTY === true);
    const builds = !args.flag('no-worker');
    const service = await startService({
      ...{ config, credentials, lock, machinery, port, builds, endpoints, log, signal },
      schedules: true,
    });
    for (const url of [...service.endpointUrls, service.url]) io.stdout.write(`kiln listens on ${url}\n`);
    if (!signal.aborted) await once(signal, 'abort');
    log.info('stopping');
    await service.stop();
    return EXIT.done;
  },
};
