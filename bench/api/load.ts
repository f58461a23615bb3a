/**
 * The load of the benchmark, in a process of its own: PORT, keys and seed as JSON on the command line, the figures as JSON
 * on standard output. Every answer is looked at: anything but a success ends the run.
 */
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { componentData } from '../../src/resources/test-service.ts';
import { Connection } from './connection.ts';
import { type Latencies, latenciesOf } from './latencies.ts';
import { ACCOUNT_ID, type Seed } from './seed.ts';
import { type Keys, signedRequest } from './sign.ts';

interface Load {
  readonly port: number;
  readonly keys: Keys;
  readonly seed: Seed;
  readonly seconds: number;
}

const load = JSON.parse(process.argv[2] ?? '') as Load;
const { port, keys, seed, seconds } = load;

function getImage(): string {
  const name = Math.floor(Math.random() * seed.recipes);
  const build = 1 + Math.floor(Math.random() * (seed.images / seed.recipes));
  const arn = `arn:aws:imagebuilder:${keys.region}:${ACCOUNT_ID}:image/seed-${name}/1.0.0/${build}`;
  return signedRequest(keys, 'GET', `/GetImage?imageBuildVersionArn=${encodeURIComponent(arn)}`);
}

async function ask(connection: Connection, request: string): Promise<Record<string, unknown>> {
  const { status, body } = await connection.send(request);
  if (status !== 200) throw new Error(`${status} ${body}`);
  return JSON.parse(body) as Record<string, unknown>;
}

/** Requests at a fixed rate, whether or not those before are answered; a late answer counts from when it was due. */
async function atRate(perSecond: number, count: number, request: () => string): Promise<Latencies> {
  const idle = await Promise.all(Array.from({ length: 64 }, () => Connection.open(port)));
  const all = [...idle];
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  const start = performance.now();
  for (let index = 0; index < count; index++) {
    const due = start + (index * 1_000) / perSecond;
    const wait = due - performance.now();
    if (wait > 1) await delay(wait);
    const text = request();
    const connection = idle.pop() ?? (await Connection.open(port));
    if (!all.includes(connection)) all.push(connection);
    const begun = Math.max(due, wait > 0 ? performance.now() : due);
    pending.push(
      ask(connection, text).then(() => {
        latencies.push(performance.now() - begun);
        idle.push(connection);
      }),
    );
  }
  await Promise.all(pending);
  for (const connection of all) connection.close();
  return latenciesOf(latencies);
}

/** As many as the server can answer, with requests that were signed before. */
async function saturate(parallel: number, milliseconds: number): Promise<number> {
  const requests = Array.from({ length: 4_000 }, getImage);
  let answered = 0;
  const end = performance.now() + milliseconds;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: parallel }, async (_, worker) => {
      const connection = await Connection.open(port);
      for (let index = worker * 97; performance.now() < end; index++) {
        const { status } = await connection.send(requests[index % requests.length] ?? '');
        if (status !== 200) throw new Error(`${status}`);
        answered++;
      }
      connection.close();
    }),
  );
  return (answered * 1_000) / (performance.now() - start);
}

/** One after the other on one connection. */
async function oneByOne(count: number, request: () => string): Promise<Latencies> {
  const connection = await Connection.open(port);
  const latencies: number[] = [];
  for (let index = 0; index < count; index++) {
    const text = request();
    const begun = performance.now();
    await ask(connection, text);
    latencies.push(performance.now() - begun);
  }
  connection.close();
  return latenciesOf(latencies);
}

/** Walks a list to its end, page by page; gives the time of each page and the token before the last one. */
async function walk(operation: string, input: object): Promise<{ latencies: number[]; lastToken: unknown }> {
  const connection = await Connection.open(port);
  const latencies: number[] = [];
  let nextToken: unknown;
  let lastToken: unknown;
  do {
    lastToken = nextToken;
    const body = JSON.stringify(nextToken === undefined ? input : { ...input, nextToken });
    const text = signedRequest(keys, 'POST', `/${operation}`, body);
    const begun = performance.now();
    nextToken = (await ask(connection, text))['nextToken'];
    latencies.push(performance.now() - begun);
  } while (nextToken !== undefined);
  connection.close();
  return { latencies, lastToken };
}

async function list(operation: string, input: object): Promise<{ pages: number; all: Latencies; last: Latencies }> {
  await walk(operation, input);
  const { latencies, lastToken } = await walk(operation, input);
  const last = lastToken === undefined ? input : { ...input, nextToken: lastToken };
  const request = (): string => signedRequest(keys, 'POST', `/${operation}`, JSON.stringify(last));
  return { pages: latencies.length, all: latenciesOf(latencies), last: await oneByOne(100, request) };
}

function createComponent(): string {
  const body = {
    name: `made-${randomUUID()}`,
    semanticVersion: '1.0.0',
    platform: 'Linux',
    data: componentData(),
    clientToken: randomUUID(),
  };
  return signedRequest(keys, 'PUT', '/CreateComponent', JSON.stringify(body));
}

// The first requests of a process are compiled on the way.
await oneByOne(1_000, getImage);
const figures = {
  getImageAt200: await atRate(200, 200 * seconds, getImage),
  getImagePerSecond: await saturate(32, seconds * 1_000),
  listImages: await list('ListImages', { owner: 'Self', maxResults: 25 }),
  listImagesFiltered: await list('ListImages', {
    owner: 'Self',
    maxResults: 25,
    filters: [
      { name: 'platform', values: ['Linux'] },
      { name: 'version', values: ['1.x.x'] },
    ],
  }),
  listImagesByRareName: await list('ListImages', {
    owner: 'Self',
    maxResults: 25,
    filters: [{ name: 'name', values: [`seed-${seed.recipes - 1}`] }],
  }),
  listImageBuildVersions: await list('ListImageBuildVersions', { maxResults: 25 }),
  listComponents: await list('ListComponents', { owner: 'Self', maxResults: 25 }),
  createComponent: await oneByOne(300, createComponent),
};
process.stdout.write(JSON.stringify(figures));
