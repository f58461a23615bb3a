import type { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { lockHomeOrFindService } from '../state/home-lock.ts';
import { BuilderFault, coerceError } from '../util/faults.ts';
import type { Config } from './config.ts';
import { ensureCredentials } from './credentials.ts';
import { ensureHome } from './kiln-home.ts';
import { askService, createClient, type ServiceAddress } from './service-client.ts';

/** A service that this command may talk to. */
export interface Connection extends AsyncDisposable {
  readonly address: ServiceAddress;
  readonly client: ImagebuilderClient;
  readonly accountId: string;
  /** Whether the service runs in this process and ends with it. */
  readonly own: boolean;
  /** Of an own service: resolves when nothing is being built, and calls `onBusy` if it has to wait for that. */
  idle(signal: AbortSignal, onBusy: () => void): Promise<void>;
  /** Lets go of the service; an own one is stopped. May be called twice. */
  close(): Promise<void>;
}

/** How long to wait for another process that has the home and has not said yet where it listens. */
const PATIENCE_MS = 30_000;
const ANSWER_MS = 10_000;

/**
 * Connects to the service of this home: the running one, or one that is started in this process for as long as the
 * connection is open.
 *
 * @param options.builds False for commands that are over in a moment: a service of their own then begins no build, and goes
 * on with none that an earlier process left, for it would have to cancel it.
 */
export async function connect(
  config: Config,
  signal: AbortSignal,
  { builds = true }: { readonly builds?: boolean } = {},
): Promise<Connection> {
  await ensureHome(config.home);
  const credentials = await ensureCredentials(config.home);
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const found = await lockHomeOrFindService(config.home.path, AbortSignal.any([signal, patience])).catch((error) => {
    if (!patience.aborted || signal.aborted) throw error;
    throw new BuilderFault(`Another kiln holds ${config.home.path} and does not answer.`, {
      hint: 'Wait for its end, or end it.',
    });
  });
  if (!found.acquired) {
    const address = { url: found.service.url, region: config.region ?? credentials.region, credentials };
    return connectTo(address, found.service.pid, signal);
  }
  await using stack = new AsyncDisposableStack();
  stack.use(found.lock);
  const [{ startService }, { openMachinery }, { openFileLog }] = await Promise.all([
    import('./wire-service.ts'),
    import('./open-disks.ts'),
    import('./log.ts'),
  ]);
  const log = await openFileLog(config);
  const machinery = stack.use(await openMachinery(config));
  const service = await startService({
    config,
    credentials,
    lock: found.lock,
    machinery,
    port: 0,
    builds,
    log,
    signal,
  });
  stack.defer(() => service.stop());
  const address = { url: service.url, region: service.region, credentials };
  const client = await createClient(address);
  stack.defer(() => client.destroy());
  const opened = stack.move();
  const close = (): Promise<void> => opened.disposeAsync();
  return {
    address,
    client,
    accountId: service.accountId,
    own: true,
    idle: (until, onBusy) => service.idle(until, onBusy),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function connectTo(address: ServiceAddress, pid: number, signal: AbortSignal): Promise<Connection> {
  const answer = await askService(address, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])).catch((error) => {
    signal.throwIfAborted();
    throw new BuilderFault(`The Kiln service (process ${pid}, ${address.url}) does not answer.`, {
      cause: coerceError(error),
      hint: `Wait a moment. If it stays so, end process ${pid}; the next start cleans up what it left.`,
    });
  });
  const known = { ...address, region: answer.region };
  const client = await createClient(known);
  const close = async (): Promise<void> => client.destroy();
  return {
    address: known,
    client,
    accountId: answer.accountId,
    own: false,
    idle: async () => {},
    close,
    [Symbol.asyncDispose]: close,
  };
}
