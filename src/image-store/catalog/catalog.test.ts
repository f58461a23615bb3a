import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { BuilderFault } from '../../util/faults.ts';
import { type StoreFixture, storeFixture, writeRawDisk } from '../files/store.fixture.ts';
import { openImageStore } from '../files/store.ts';
import type { Catalog } from '../image-store.ts';
import { openCatalog } from './catalog.ts';
import type { CatalogDefinition, CloudImageSource } from './definition.types.ts';
import { definitions } from './definitions/index.ts';

/** A mirror on loopback and a catalogue that has one image there. */
interface Mirror extends AsyncDisposable {
  readonly url: string;
  readonly requests: string[];
  /** Answers by path; replaced to make trouble. */
  readonly answers: Map<string, RequestListener>;
}

async function startMirror(image: Buffer): Promise<Mirror> {
  const requests: string[] = [];
  const sums = `${createHash('sha256').update(image).digest('hex')} *test-1.0-amd64.img\n`;
  const answers = new Map<string, RequestListener>([
    ['/release/SHA256SUMS', (_request, response) => response.end(sums)],
    ['/release/test-1.0-amd64.img', (_request, response) => response.end(image)],
  ]);
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const answer = answers.get(request.url ?? '');
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function definitionAt(url: string): CatalogDefinition {
  const source: CloudImageSource = {
    kind: 'cloud-image',
    checksums: `${url}/release/SHA256SUMS`,
    algorithm: 'sha256',
    file: /^test-[0-9.]+-amd64\.img$/,
  };
  return {
    name: 'test-1-x86',
    displayName: 'Test 1',
    osVersion: 'Test 1',
    architecture: 'x86_64',
    description: 'A test.',
    sources: [source],
  };
}

function catalogOf(fixture: StoreFixture, definition: CatalogDefinition): Catalog {
  const clock = { now: () => new Date('2026-03-09T10:00:00.000Z') };
  return openCatalog({ imageStore: fixture.store, folder: fixture.storeFolder, clock, definitions: [definition] });
}

async function withMirror(
  use: (fixture: StoreFixture, mirror: Mirror, catalog: Catalog) => Promise<void>,
): Promise<void> {
  await using fixture = await storeFixture();
  const image = await writeRawDisk(join(fixture.folder, 'image.raw'));
  await using mirror = await startMirror(image);
  await use(fixture, mirror, catalogOf(fixture, definitionAt(mirror.url)));
}

test('a base image is downloaded, checked, kept, and not downloaded again', () =>
  withMirror(async (fixture, mirror, catalog) => {
    assert.equal((await catalog.list())[0]?.amiId, undefined);
    const image = await catalog.provide('test-1-x86', fixture.context);
    assert.equal(image.source, 'catalog:test-1-x86');
    assert.equal(image.osVersion, 'Test 1');
    await fixture.store.bootDisk(image.amiId);
    assert.deepEqual(await catalog.provide('test-1-x86', fixture.context), image);
    assert.deepEqual(mirror.requests, ['/release/SHA256SUMS', '/release/test-1.0-amd64.img']);
    const [entry] = await catalog.list();
    assert.equal(entry?.amiId, image.amiId);
    assert.equal(entry?.version, '2026.3.9');
    assert.ok(fixture.lines.some((line) => /downloading .* 100 %/.test(line)));
    assert.deepEqual(await readdir(join(fixture.storeFolder, 'temporary')), []);
  }));

test('an image that is asked for several times at once, also by another process, is made once', () =>
  withMirror(async (fixture, mirror, catalog) => {
    const definition = definitionAt(mirror.url);
    const other = openCatalog({
      imageStore: await openImageStore({ folder: fixture.storeFolder }),
      folder: fixture.storeFolder,
      definitions: [definition],
    });
    const images = await Promise.all(
      [catalog, other, catalog].map((each) => each.provide('test-1-x86', fixture.context)),
    );
    assert.equal(new Set(images.map(({ amiId }) => amiId)).size, 1);
    assert.equal(mirror.requests.length, 2);
    assert.ok(fixture.lines.some((line) => line.includes('being made by somebody else')));
  }));

test('the folder of a release is found through a redirect', () =>
  withMirror(async (fixture, mirror) => {
    mirror.answers.set('/latest/SHA256SUMS', (_request, response) =>
      response.writeHead(302, { location: '/release/SHA256SUMS' }).end(),
    );
    const definition = definitionAt(mirror.url);
    const [source] = definition.sources as [CloudImageSource];
    const latest = { ...definition, sources: [{ ...source, checksums: `${mirror.url}/latest/SHA256SUMS` }] as const };
    await catalogOf(fixture, latest).provide('test-1-x86', fixture.context);
    assert.equal(mirror.requests.at(-1), '/release/test-1.0-amd64.img');
  }));

const TROUBLE: Readonly<
  Record<string, { readonly path: string; readonly answer: RequestListener; readonly message: RegExp }>
> = {
  'a mirror without the list': {
    path: '/release/SHA256SUMS',
    answer: (_request, response) => response.writeHead(404).end(),
    message: /answered 404/,
  },
  'a list that does not name the image': {
    path: '/release/SHA256SUMS',
    answer: (_request, response) => response.end(`${'a'.repeat(64)}  another.img\n`),
    message: /does not name a file like/,
  },
  'an image with other content': {
    path: '/release/test-1.0-amd64.img',
    answer: (_request, response) => response.end('other'),
    message: /its sha256 should be [0-9a-f]{64} and is [0-9a-f]{64}/,
  },
  'an image that is cut short': {
    path: '/release/test-1.0-amd64.img',
    answer: (_request, response) => {
      response.writeHead(200, { 'content-length': '1000000' });
      response.write('half', () => response.destroy());
    },
    message: /cut short/,
  },
  'a server that fails': {
    path: '/release/test-1.0-amd64.img',
    answer: (_request, response) => response.writeHead(503).end(),
    message: /answered 503/,
  },
  'a redirect away from https': {
    path: '/release/test-1.0-amd64.img',
    answer: (_request, response) => response.writeHead(302, { location: 'http://mirror.invalid/image' }).end(),
    message: /would not come over https|ENOTFOUND|EAI_AGAIN/,
  },
};

for (const [what, { path, answer, message }] of Object.entries(TROUBLE)) {
  test(`${what} makes no image, and the fault says why and where`, () =>
    withMirror(async (fixture, mirror, catalog) => {
      mirror.answers.set(path, answer);
      await assert.rejects(catalog.provide('test-1-x86', fixture.context), (error) => {
        assert.ok(error instanceof BuilderFault);
        assert.match(error.message, /^The base image test-1-x86 cannot be made\. cloud image from /);
        assert.match(error.message, message);
        assert.match(error.message, /\/release\//);
        assert.ok(error.hint);
        return true;
      });
      assert.deepEqual(await fixture.store.list(), []);
      assert.deepEqual(await readdir(join(fixture.storeFolder, 'temporary')), []);
    }));
}

test('a machine that cannot be reached is named', async () => {
  await using fixture = await storeFixture();
  const mirror = await startMirror(Buffer.alloc(0));
  await mirror[Symbol.asyncDispose]();
  const catalog = catalogOf(fixture, definitionAt(mirror.url));
  await assert.rejects(catalog.provide('test-1-x86', fixture.context), {
    name: 'BuilderFault',
    message: /ECONNREFUSED/,
  });
});

test('an aborted download ends at once and leaves nothing', () =>
  withMirror(async (fixture, mirror, catalog) => {
    const stop = new AbortController();
    mirror.answers.set('/release/test-1.0-amd64.img', (_request, response) => {
      response.writeHead(200, { 'content-length': '1000000' });
      response.write('the first bytes', () => stop.abort(new Error('the user stopped it')));
    });
    await assert.rejects(catalog.provide('test-1-x86', { ...fixture.context, signal: stop.signal }), {
      message: 'the user stopped it',
    });
    assert.deepEqual(await readdir(join(fixture.storeFolder, 'temporary')), []);
  }));

test('the next source is tried when one fails, and why is told', () =>
  withMirror(async (fixture, mirror) => {
    const definition = definitionAt(mirror.url);
    const [source] = definition.sources as [CloudImageSource];
    const first = { ...source, checksums: `${mirror.url}/gone/SHA256SUMS` };
    const catalog = catalogOf(fixture, { ...definition, sources: [first, source] });
    await catalog.provide('test-1-x86', fixture.context);
    assert.ok(fixture.lines.some((line) => /^cloud image from 127.* failed: .*404/.test(line)));
  }));

test('a name the catalogue does not have is refused with the nearest one', async () => {
  await using fixture = await storeFixture();
  const catalog = openCatalog({ imageStore: fixture.store, folder: fixture.storeFolder });
  assert.equal(catalog.resolve('debian-server-12'), undefined);
  await assert.rejects(catalog.provide('debian-server-12-x68', fixture.context), {
    hint: 'Did you mean debian-server-12-x86?',
  });
});

test('every definition is in a file of its name, and its sources are protected', async () => {
  const folder = join(import.meta.dirname, 'definitions');
  const files = (await readdir(folder)).filter((file) => file !== 'index.ts').map((file) => file.replace(/\.ts$/, ''));
  assert.deepEqual(files.sort(), definitions.map(({ name }) => name).sort());
  for (const { name, sources } of definitions) {
    assert.match(name, /^[a-z0-9-]+-x86$/);
    for (const source of sources) {
      if (source.kind !== 'cloud-image') continue;
      assert.equal(new URL(source.checksums).protocol, 'https:', name);
      assert.ok(source.file.source.startsWith('^') && source.file.source.endsWith('$'), `${name}: the whole name`);
      assert.equal(/sha(256|512)/i.exec(source.checksums)?.[0].toLowerCase(), source.algorithm, name);
    }
    assert.match(await readFile(join(folder, `${name}.ts`), 'utf8'), /export const/);
  }
});

test('the catalogue says before anything is made what there is and where it comes from', async () => {
  await using fixture = await storeFixture();
  const entry = openCatalog({ imageStore: fixture.store, folder: fixture.storeFolder }).resolve('debian-server-12-x86');
  assert.equal(entry?.osVersion, 'Debian 12');
  assert.deepEqual(entry?.sources, [
    'bootstrap of Debian bookworm with mmdebstrap',
    'cloud image from cloud.debian.org',
  ]);
});
