import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { signedRequest } from '../api/api.fixture.ts';
import { componentData } from '../resources/test-service.ts';
import { startEmbeddedPostgres } from '../state/embedded-postgres/start.ts';
import { silentLog } from '../state/test-log.ts';
import { createTestDatabase, testDatabaseUrl } from '../state/test-store.ts';
import { ensureCredentials } from './credentials.ts';
import { openTestService, type TestService } from './service.fixture.ts';

interface Answer {
  readonly status: number;
  readonly error: string | null;
  readonly retryAfter: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

async function callerOf({ service, config }: TestService) {
  const { accessKeyId, secretAccessKey } = await ensureCredentials(config.home);
  const { region } = service;
  return async (operation: string, request: object): Promise<Answer> => {
    const method = /^(?:List)/.test(operation) ? 'POST' : 'PUT';
    const options = { method, body: JSON.stringify(request), region, accessKeyId, secretAccessKey };
    const response = await fetch(await signedRequest(`${service.url}/${operation}`, options));
    return {
      status: response.status,
      error: response.headers.get('x-amzn-errortype'),
      retryAfter: response.headers.get('retry-after'),
      body: (await response.json()) as Record<string, unknown>,
    };
  };
}

type Call = Awaited<ReturnType<typeof callerOf>>;

const component = (number: number) => ({
  ...{ name: `c-${number}`, semanticVersion: '1.0.0', platform: 'Linux', data: componentData() },
  clientToken: `token-${number}`,
});

/** Clients that create components one after the other until they are told to end; after a refusal once it is ready again. */
function startLoad(call: Call, url: string) {
  const acknowledged = new Map<number, unknown>();
  const refused: Answer[] = [];
  const first = Promise.withResolvers<void>();
  let ending = false;
  let next = 0;
  const client = async (): Promise<void> => {
    while (!ending) {
      const number = next++;
      const answer = await call('CreateComponent', component(number));
      if (answer.status === 200) acknowledged.set(number, answer.body['componentBuildVersionArn']);
      else {
        refused.push(answer);
        await untilReady(url, 200);
      }
      if (acknowledged.size >= 20) first.resolve();
    }
  };
  const clients = Array.from({ length: 8 }, client);
  return {
    acknowledged,
    refused,
    underWay: first.promise,
    asked: () => next,
    end: async () => {
      ending = true;
      await Promise.all(clients);
    },
  };
}

async function readiness(url: string): Promise<number> {
  const response = await fetch(`${url}/kiln/v1/health/ready`);
  await response.body?.cancel();
  return response.status;
}

async function untilReady(url: string, status: number): Promise<void> {
  while ((await readiness(url)) !== status) await delay(10);
}

/** Everything that was acknowledged is there, and a retry of anything is answered with what was made. */
async function checkNothingLost(call: Call, load: ReturnType<typeof startLoad>): Promise<void> {
  const arns = new Map<number, unknown>();
  for (let number = 0; number < load.asked(); number++) {
    const { status, body } = await call('CreateComponent', component(number));
    assert.equal(status, 200, JSON.stringify(body));
    arns.set(number, body['componentBuildVersionArn']);
  }
  for (const [number, arn] of load.acknowledged) assert.equal(arns.get(number), arn);
  // A lost component would have been made a second time, as build 1 of its name or as build 2.
  assert.deepEqual([...new Set([...arns.values()].map((arn) => String(arn).slice(-8)))], ['/1.0.0/1']);
  for (const { status, error, retryAfter } of load.refused) {
    assert.deepEqual([status, error, retryAfter], [503, 'ServiceUnavailableException', '1']);
  }
}

test('a PostgreSQL server that is killed under load and comes back: 503, then all goes on, and nothing is lost', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kiln-away-'));
  const start = () => startEmbeddedPostgres({ directory, log: silentLog, signal: new AbortController().signal });
  let server = await start();
  try {
    const { host, user } = server;
    const databaseUrl = `postgresql://${user}@/postgres?host=${encodeURIComponent(host)}`;
    await using opened = await openTestService({ DATABASE_URL: databaseUrl });
    const call = await callerOf(opened);
    const { url } = opened.service;
    assert.equal(await readiness(url), 200);
    const load = startLoad(call, url);
    await load.underWay;
    process.kill(server.pid, 'SIGKILL');
    await untilReady(url, 503);
    const away = await call('ListComponents', {});
    assert.deepEqual([away.status, away.error, away.retryAfter], [503, 'ServiceUnavailableException', '1']);
    assert.doesNotMatch(JSON.stringify(away.body), /ECONN|ENOENT|socket|at /);
    server = await start();
    await untilReady(url, 200);
    await load.end();
    assert.ok(load.refused.length > 0);
    await checkNothingLost(call, load);
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
});

test('an embedded server that is killed under a running service is started again by it', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  {
    await using opened = await openTestService({ DATABASE_URL: '' }, log);
    const call = await callerOf(opened);
    const load = startLoad(call, opened.service.url);
    await load.underWay;
    const pidFile = await readFile(join(opened.config.home.path, 'postgres', 'data', 'postmaster.pid'), 'utf8');
    process.kill(Number(pidFile.split('\n')[0]), 'SIGKILL');
    while (!lines.some((line) => line.includes('runs again'))) await delay(10);
    await untilReady(opened.service.url, 200);
    await load.end();
    await checkNothingLost(call, load);
    lines.length = 0;
  }
  assert.deepEqual(lines, [], 'a stop warns of nothing');
});

test('a stop tells nobody of connections that it closes itself', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  {
    await using opened = await openTestService(
      { DATABASE_URL: await testDatabaseUrl(await createTestDatabase()) },
      log,
    );
    const call = await callerOf(opened);
    await Promise.all(Array.from({ length: 20 }, (_, number) => call('CreateComponent', component(number))));
  }
  assert.deepEqual(lines, []);
});
