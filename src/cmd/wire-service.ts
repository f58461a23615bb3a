import type { Logger } from 'pino';
import { missingRecord, tornRecord } from '../api/audit/record.ts';
import { rootCredential } from '../api/auth/credentials.ts';
import type { Endpoint } from '../api/listen.ts';
import { createPageTokens } from '../api/page-tokens.ts';
import { createApi } from '../api/server.ts';
import type { BuildHost } from '../build-host/build-host.ts';
import { hasCheckpointForRetry } from '../engine/checkpoints/checkpoint-for-retry.ts';
import { managedWorkflows } from '../engine/managed-workflows.ts';
import { eventOperations } from '../events/event-operations.ts';
import { followEvents } from '../events/follow-events.ts';
import { topicOperations } from '../notifications/topic-operations.ts';
import { findTags } from '../resources/find-tags.ts';
import { followImageBuild } from '../resources/follow-image.ts';
import { logOperations } from '../resources/logs/log-operations.ts';
import { operationHandlers } from '../resources/operations.ts';
import { quotasWith } from '../resources/quota-table.ts';
import { requestChecks } from '../resources/request-checks.ts';
import { finishStateUpdates } from '../resources/resource-state-updates.ts';
import type { Service } from '../resources/service.ts';
import { openInbox } from '../state/audit-trail/inbox.ts';
import { openAuditTrail } from '../state/audit-trail/open-trail.ts';
import { readGauges } from '../state/gauges.ts';
import type { HomeLock } from '../state/home-lock.ts';
import { isReady } from '../state/is-ready.ts';
import { openStore } from '../state/open-store.ts';
import { systemClock } from '../util/clock.ts';
import { amis } from './amis.ts';
import { readAsset } from './assets.ts';
import type { Config } from './config.ts';
import type { Credentials } from './credentials.ts';
import type { Disks } from './open-disks.ts';
import { parentImages } from './parent-images.ts';
import { openPrincipals } from './principals.ts';
import { openSigningCertificate } from './signing-certificate.ts';
import { kilnVersion } from './version.ts';
import { waitUntilIdle } from './wait-until-idle.ts';
import { startBackground } from './wire-background.ts';
import { startHomeWorker } from './wire-worker.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly credentials: Credentials;
  /** Of the home; the service lets go of it when it stops. */
  readonly lock: HomeLock;
  /** What builds are made with; whoever opened it lets go of it after the service stopped. */
  readonly machinery: Machinery;
  /** Of this machine's own address, for the commands of this home; 0 takes a free one. */
  readonly port: number;
  /** Whether this process builds as well. Default: it does. */
  readonly builds?: boolean;
  /**
   * Whether it runs pipelines by their schedules. Default: it does not. What a command starts for as long as it runs would
   * begin builds that end with it.
   */
  readonly schedules?: boolean;
  /** Where others come by. */
  readonly endpoints?: readonly Endpoint[];
  readonly log: Logger;
  /** Ends the start; afterwards it has no effect. */
  readonly signal: AbortSignal;
}

/** Each holds a connection and asks the database several times a second. */
const MAX_FOLLOW_STREAMS = 100;

/** The drivers behind the ports of the engine. */
export interface Machinery extends Omit<Disks, 'checkpoints'>, Partial<Pick<Disks, 'checkpoints'>> {
  readonly buildHost: BuildHost;
}

/** Store, API and worker of one home, running in this process. */
export interface RunningService {
  readonly url: string;
  /** Of the other endpoints, in their order. */
  readonly endpointUrls: readonly string[];
  readonly accountId: string;
  readonly region: string;
  /** Resolves when no image is being built any more; rejects with the signal's reason. See wait-until-idle.ts. */
  idle(signal: AbortSignal, onBusy: () => void): Promise<void>;
  /**
   * Stops taking builds, cancels the running ones and waits for their end, closes API and store, lets go of the lock.
   * May be called twice.
   */
  stop(): Promise<void>;
}

/**
 * Builds the object graph of the service and starts it. What fails to start ends what was started, the lock included.
 * Which driver stands behind which port is decided in open-disks.ts.
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { config, credentials, lock, log, signal } = options;
  const { imageStore, catalog, checkpoints } = options.machinery;
  await using stack = new AsyncDisposableStack();
  stack.use(lock);
  const accountId = config.accountId ?? credentials.accountId;
  const region = config.region ?? credentials.region;
  const clock = systemClock;

  const place = config.databaseUrl === undefined ? { home: config.home.path } : { databaseUrl: config.databaseUrl };
  const store = stack.use(await openStore({ ...place, log, signal }));

  const trail = stack.use(await openAuditTrail({ folder: config.home.audit, signal }));
  if (trail.torn !== undefined) {
    log.warn(trail.torn, 'the audit trail ended in a torn line, which was taken away');
    await trail.append(tornRecord(trail.torn, clock.now(), { accountId, region }), true);
  }
  if (trail.missing !== undefined) {
    log.error(trail.missing, 'records at the end of the audit trail are missing');
    await trail.append(missingRecord(trail.missing, clock.now(), { accountId, region }), true);
  }
  const inbox = stack.use(
    openInbox(config.home.audit, trail, (err) =>
      log.error({ err }, 'a record was not taken over into the audit trail'),
    ),
  );
  const root = rootCredential({ ...credentials, accountId });
  const principals = openPrincipals(config.home, accountId, log, () => inbox.take());

  const service: Service = {
    db: store.db,
    clock,
    accountId,
    homeAccountId: accountId,
    region,
    parentImages: await parentImages(catalog, imageStore),
    managedWorkflows: await managedWorkflows(region),
    amis: amis(imageStore),
    checkpoints: {
      hasForRetry: async (image, keys) =>
        config.cacheSizeGiB > 0 && checkpoints !== undefined && hasCheckpointForRetry(checkpoints, image, keys),
    },
    jobs: store.jobs,
    readUri: (uri) => readAsset(config.home.assets, uri),
    quotas: quotasWith(config.quotas),
    pageTokens: createPageTokens(Buffer.from(credentials.pageTokenKey, 'base64')),
  };
  await finishStateUpdates(service, principals.accountIds());
  const certificate = openSigningCertificate(config.home.tls);
  let wake = (): void => {};
  const operator = { db: store.db, clock, region, accountId, wake: () => wake() };
  const api = createApi({
    operations: operationHandlers(service),
    checkRequest: requestChecks(service),
    kiln: {
      service: { version: kilnVersion(), accountId, region, pid: process.pid, home: lock.home },
      follow: followImageBuild(service),
      followEvents: followEvents(store.db),
      operations: { ...eventOperations(operator), ...topicOperations(operator) },
      findCertificate: (path) => certificate.find(path),
    },
    logs: logOperations(service),
    findCredential: (id) => (id === root.accessKeyId ? root : principals.find(id)),
    findTags: (arn) => findTags(store.db, arn),
    trail,
    requestRate: config.requestRate,
    maxFollowStreams: MAX_FOLLOW_STREAMS,
    isReady: () => isReady(store.db),
    readGauges: () => readGauges(store.db),
    accountId,
    region,
    clock,
    log,
  });
  const listening = await api.listen({ place: { host: '127.0.0.1', port: options.port } });
  stack.defer(() => listening.close());
  const endpointUrls: string[] = [];
  for (const endpoint of options.endpoints ?? []) {
    const opened = await api.listen(endpoint);
    stack.defer(() => opened.close());
    endpointUrls.push(opened.url);
  }

  const url = config.publicUrl ?? endpointUrls.find((one) => one.startsWith('http')) ?? listening.url;
  const background = startBackground({
    service,
    signer: () => certificate.signer(url),
    mailServer: config.mailServer,
    environment: config.environment,
    schedules: options.schedules === true,
    log,
  });
  stack.use(background);
  wake = () => background.wake();

  if (options.builds !== false) {
    const { machinery } = options;
    stack.use(await startHomeWorker({ config, store, machinery, accountId, region, log, signal }));
  }
  await lock.publish({ url: listening.url });
  signal.throwIfAborted();

  const running = stack.move();
  let stopped: Promise<void> | undefined;
  return {
    url: listening.url,
    endpointUrls,
    accountId,
    region,
    idle: (until, onBusy) => waitUntilIdle(store.db, until, onBusy),
    stop: () => {
      stopped ??= running.disposeAsync();
      return stopped;
    },
  };
}
