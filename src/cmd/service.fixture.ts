/** A service on a home of its own, with everything real but the machines. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { simulatedBuildHost } from '../engine/simulated/simulated-build-host.ts';
import { simulatedCatalog, simulatedImageStore } from '../engine/simulated/simulated-image-store.ts';
import type { CheckpointStore } from '../image-store/checkpoint-store.ts';
import { lockHome } from '../state/home-lock.ts';
import { silentLog } from '../state/test-log.ts';
import { createTestDatabase, testDatabaseUrl } from '../state/test-store.ts';
import { readConfig } from './config.ts';
import { ensureCredentials } from './credentials.ts';
import { startService } from './wire-service.ts';

/**
 * @param environment may name another database; an empty DATABASE_URL is the embedded one
 * @param checkpoints where builds leave checkpoints; default: nowhere
 */
export async function openTestService(
  environment: Readonly<Record<string, string>> = {},
  log: Logger = silentLog,
  checkpoints?: CheckpointStore,
) {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-service-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const config = readConfig(
    {
      KILN_HOME: join(folder, 'home'),
      DATABASE_URL: await testDatabaseUrl(await createTestDatabase()),
      ...environment,
    },
    {},
  );
  const credentials = await ensureCredentials(config.home);
  const found = await lockHome(config.home.path);
  assert.ok(found.acquired);
  const buildHost = simulatedBuildHost(join(folder, 'machines'));
  const imageStore = simulatedImageStore();
  const machinery = {
    buildHost,
    imageStore,
    catalog: simulatedCatalog(imageStore),
    ...(checkpoints === undefined ? {} : { checkpoints }),
  };
  const options = {
    config,
    credentials,
    lock: found.lock,
    machinery,
    port: 0,
    schedules: true,
    log,
    signal: new AbortController().signal,
  };
  const service = await startService(options);
  stack.defer(() => service.stop());
  const opened = stack.move();
  return {
    folder,
    config,
    service,
    buildHost,
    imageStore,
    checkpoints,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

export type TestService = Awaited<ReturnType<typeof openTestService>>;
