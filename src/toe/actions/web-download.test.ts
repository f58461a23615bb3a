import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseComponent } from '../../documents/parse-component.ts';
import { run as runProgram } from '../../util/spawn.ts';
import { runDocuments } from '../run-documents.ts';
import { localTarget } from '../targets/local.ts';

/*
 * The same tests with curl alone, with wget alone and with neither: a folder with links to the programs that the
 * scripts need is the whole PATH.
 */
const TOOLS = ['sh', 'bash', 'mkdir', 'rm', 'rmdir', 'mv', 'cat', 'cut', 'sed', 'tail', 'grep', 'mktemp'];
const DIGESTS = ['md5sum', 'sha1sum', 'sha256sum', 'sha512sum'];

const BODY = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 251));

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
}

let folder = '';
let origin = '';
const requests: string[] = [];
/** Answers by path; a list is used up one by one, its last stays. */
const answers: Record<string, Answer[]> = {};

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const url = request.url ?? '';
  requests.push(url);
  const list = answers[url.split('?')[0] ?? ''] ?? [{ status: 404 }];
  const answer = (list.length > 1 ? list.shift() : list[0]) ?? { status: 404 };
  response.writeHead(answer.status, answer.headers);
  response.end(answer.status === 204 ? undefined : (answer.body ?? BODY));
});

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-web-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

for (const tool of ['curl', 'wget']) {
  const missing = !(await installed(tool));
  describe(`WebDownload with ${tool}`, { skip: missing ? `${tool} is not installed` : false }, () => {
    let download: Downloader = async () => ({ outputs: undefined, error: '', waited: [] });
    before(async () => {
      download = await downloaderWith(tool, [tool, ...DIGESTS]);
    });

    test('a file is written, its folders are made, and the paths are the output', async () => {
      answers['/a'] = [{ status: 200 }];
      const to = join(folder, tool, 'new dir');
      const { outputs } = await download([
        { source: `${origin}/a?q=[1]&x={y}`, destination: `${to}/name` },
        { source: `${origin}/a`, destination: `${to}/` },
      ]);
      assert.deepEqual(outputs, { destination: `${to}/name\n${to}/a` });
      assert.deepEqual(await readFile(`${to}/name`), BODY);
      assert.deepEqual(await readdir(to), ['a', 'name']);
      assert.equal((await stat(`${to}/name`)).mode & 0o777, 0o666 & ~process.umask());
      assert.ok(requests.map(decodeURIComponent).includes('/a?q=[1]&x={y}'));
    });

    test('redirects are followed to a 200', async () => {
      answers['/from'] = [{ status: 302, headers: { location: '/to' } }];
      answers['/to'] = [{ status: 200 }];
      const destination = join(folder, `${tool}-redirected`);
      assert.equal((await download([{ source: `${origin}/from`, destination }])).error, '');
      assert.deepEqual(await readFile(destination), BODY);
    });

    test('an empty file is a file', async () => {
      answers['/empty'] = [{ status: 200, body: Buffer.alloc(0) }];
      const destination = join(folder, `${tool}-empty`);
      assert.equal((await download([{ source: `${origin}/empty`, destination }])).error, '');
      assert.equal((await readFile(destination)).length, 0);
    });

    test('every status but 200 fails, after five tries with growing pauses, and leaves nothing behind', async () => {
      for (const status of [204, 206, 404, 500]) {
        answers['/bad'] = [{ status }];
        requests.length = 0;
        const to = join(folder, `${tool}-bad`);
        const { error, waited } = await download([{ source: `${origin}/bad`, destination: `${to}/x` }]);
        assert.match(error, new RegExp(`after 5 tries: the server answered with HTTP status ${status}`));
        assert.deepEqual(waited, [1000, 2000, 4000, 8000]);
        assert.equal(requests.length, 5);
        assert.deepEqual(await readdir(to), []);
      }
    });

    test('a server that recovers, and one that is not there', async () => {
      answers['/later'] = [{ status: 503 }, { status: 503 }, { status: 200 }];
      const destination = join(folder, `${tool}-later`);
      const { error, waited } = await download([{ source: `${origin}/later`, destination }]);
      assert.deepEqual([error, waited], ['', [1000, 2000]]);
      const gone = await download([{ source: 'http://127.0.0.1:1/x', destination }]);
      assert.match(gone.error, new RegExp(`after 5 tries: ${tool} ended with exit status \\d+`));
    });

    test('checksums of all algorithms are verified', async () => {
      answers['/sum'] = [{ status: 200 }];
      for (const algorithm of ['MD5', 'SHA1', 'SHA256', 'SHA512']) {
        const checksum = createHash(algorithm.toLowerCase()).update(BODY).digest('hex').toUpperCase();
        const destination = join(folder, `${tool}-${algorithm}`);
        assert.equal((await download([{ source: `${origin}/sum`, destination, checksum, algorithm }])).error, '');
        const wrong = checksum.replace(/./, (first) => (first === '0' ? '1' : '0'));
        const other = await download([
          { source: `${origin}/sum`, destination: `${destination}-x`, checksum: wrong, algorithm },
        ]);
        assert.match(other.error, new RegExp(`the ${algorithm} checksum is ${checksum.toLowerCase()}, not`));
        await assert.rejects(stat(`${destination}-x`), { code: 'ENOENT' });
      }
    });

    test('a file with the right checksum is kept without a download; overwrite false fails on any file', async () => {
      answers['/kept'] = [{ status: 200 }];
      const destination = join(folder, `${tool}-kept`);
      const checksum = createHash('sha256').update(BODY).digest('hex');
      await writeFile(destination, BODY);
      requests.length = 0;
      const entry = { source: `${origin}/kept`, destination, checksum, algorithm: 'SHA256' };
      assert.equal((await download([entry])).error, '');
      assert.equal(requests.length, 0);
      const refused = await download([{ ...entry, overwrite: false }]);
      assert.match(refused.error, /exists and overwrite is false/);
      assert.deepEqual(refused.waited, []);
    });
  });
}

test('without curl and wget the step says what is missing', async () => {
  const download = await downloaderWith('neither', DIGESTS);
  const { error, waited } = await download([{ source: `${origin}/a`, destination: join(folder, 'x') }]);
  assert.match(error, /needs curl or wget on the machine, and it has neither/);
  assert.deepEqual(waited, []);
});

test('a URL without a file name needs a destination with one', async () => {
  const download = await downloaderWith('nameless', DIGESTS);
  assert.match((await download([{ source: `${origin}/`, destination: `${folder}/` }])).error, /ends with no file name/);
});

interface Downloaded {
  readonly outputs: Readonly<Record<string, unknown>> | undefined;
  readonly error: string;
  readonly waited: readonly number[];
}

type Downloader = (inputs: readonly Readonly<Record<string, unknown>>[]) => Promise<Downloaded>;

async function downloaderWith(name: string, tools: readonly string[]): Promise<Downloader> {
  const bin = join(folder, `bin-${name}`);
  await mkdir(bin);
  for (const tool of [...TOOLS, ...tools]) {
    const { stdout } = await runProgram('sh', ['-c', 'command -v "$1"', 'sh', tool]);
    await symlink(stdout.toString().trim(), join(bin, tool));
  }
  const target = localTarget({ environment: { PATH: bin }, cwd: tmpdir() });
  return async (inputs) => {
    const waited: number[] = [];
    const text = JSON.stringify({
      schemaVersion: '1.0',
      phases: [{ name: 'build', steps: [{ name: 'Get', action: 'WebDownload', inputs }] }],
    });
    const result = await runDocuments({
      executionId: 'web',
      documents: [{ id: 'web', document: parseComponent(text, 'web'), parameters: {} }],
      phases: undefined,
      target,
      environment: {},
      workingDirectory: folder,
      accountId: '',
      region: '',
      signal: new AbortController().signal,
      monitor: { line: () => {}, stepStarted: () => {}, stepEnded: () => {} },
      delay: async (milliseconds) => void waited.push(milliseconds),
    });
    const step = result.documents[0]?.phases[0]?.steps[0];
    return { outputs: step?.outputs[0], error: step?.failureMessage ?? '', waited };
  };
}

async function installed(tool: string): Promise<boolean> {
  return (await runProgram('sh', ['-c', 'command -v "$1"', 'sh', tool])).code === 0;
}
