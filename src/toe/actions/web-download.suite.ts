import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { parseComponent } from '../../documents/parse-component.ts';
import { capture } from '../capture.ts';
import { runDocuments } from '../run-documents.ts';
import type { Target } from '../target.ts';
import { type DownloadServer, serveDownloads } from './download-server.fixture.ts';
import { type HttpProxy, startHttpProxy } from './http-proxy.fixture.ts';
import { selfSigned } from './self-signed.fixture.ts';

export interface DownloadSuite {
  /** Reaches the loopback of this machine. Called once before the tests; `release` after them. */
  makeTarget(): Promise<{ readonly target: Target; release(): Promise<void> }>;
}

/** Programs that the scripts need beside one that downloads. They are the whole PATH, so that it is the only one. */
const TOOLS = ['sh', 'bash', 'mkdir', 'rm', 'rmdir', 'mv', 'cat', 'cut', 'sed', 'tail', 'grep', 'wc', 'mktemp', 'env'];
const DIGESTS = ['md5sum', 'sha1sum', 'sha256sum', 'sha512sum'];
/** What runs under the name `wget` or `curl`. */
const DOWNLOADERS = { curl: 'curl', wget: 'wget', busybox: 'wget' } as const;

const BODY = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) % 251));
const HALF = 150_000;
const ETAG = { etag: '"v1"', 'accept-ranges': 'bytes' };

interface Downloaded {
  readonly outputs: Readonly<Record<string, unknown>> | undefined;
  readonly error: string;
  readonly waited: readonly number[];
}

/** WebDownload on a real target, with each program that it can use alone, and without any. */
export function describeDownloads(name: string, suite: DownloadSuite): void {
  describe(`WebDownload: ${name}`, () => {
    let made: Awaited<ReturnType<DownloadSuite['makeTarget']>> | undefined;
    let web: DownloadServer;
    let folder = '';
    before(async () => {
      made = await suite.makeTarget();
      folder = (await shell('mktemp -d /tmp/kiln-web-XXXXXX')).trim();
      web = await serveDownloads(BODY);
    });
    after(async () => {
      await web[Symbol.asyncDispose]();
      await shell('rm -rf -- "$1"', folder);
      await made?.release();
    });
    const target = (): Target => {
      assert.ok(made !== undefined);
      return made.target;
    };
    const shell = async (script: string, ...args: string[]): Promise<string> => {
      const { signal } = new AbortController();
      const ended = await capture(target(), { argv: ['sh', '-c', script, 'sh', ...args], signal });
      assert.equal(ended.code, 0, ended.stderr);
      return ended.stdout;
    };
    const digestOf = (path: string): Promise<string> => shell('sha256sum < "$1" | cut -d " " -f 1', path);
    const arrived = async (path: string, body = BODY): Promise<void> =>
      assert.equal((await digestOf(path)).trim(), createHash('sha256').update(body).digest('hex'));

    /** A folder with links to programs, which is to be the PATH. */
    const programs = async (tools: readonly string[], link: Readonly<Record<string, string>> = {}): Promise<string> => {
      const script = `
        bin=$1; shift; mkdir "$bin" && for name; do
          path=$(command -v "\${name%%=*}") || exit 3; ln -s "$path" "$bin/\${name##*=}" || exit 1
        done`;
      const bin = `${folder}/bin-${Math.random().toString(36).slice(2)}`;
      const linked = Object.entries(link).map(([program, as]) => `${program}=${as}`);
      await shell(script, bin, ...TOOLS, ...tools, ...linked);
      return bin;
    };
    const download = async (
      PATH: string,
      inputs: readonly Readonly<Record<string, unknown>>[],
      environment: Readonly<Record<string, string>> = {},
    ): Promise<Downloaded> => {
      const waited: number[] = [];
      const steps = [{ name: 'Get', action: 'WebDownload', inputs }];
      const text = JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'build', steps }] });
      const result = await runDocuments({
        executionId: 'web',
        documents: [{ id: 'web', document: parseComponent(text, 'web'), parameters: {} }],
        phases: undefined,
        target: target(),
        environment: { PATH, ...environment },
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

    for (const [program, as] of Object.entries(DOWNLOADERS)) {
      describe(`with ${program}`, () => {
        let bin = '';
        before(async () => {
          bin = await programs(DIGESTS, { [program]: as });
        });
        /** Downloads `/file` to a new path; gives what was asked of the server. */
        const get = async (path: string, more: object = {}, environment = {}): Promise<Downloaded & { to: string }> => {
          web.requests.length = 0;
          const to = `${folder}/${program}${path}-${Math.random().toString(36).slice(2)}`;
          const source = web.origin + path;
          return { to, ...(await download(bin, [{ source, destination: to, ...more }], environment)) };
        };

        test('a file is written, its folders are made, and the paths are the output', async () => {
          web.answers['/a'] = [{}];
          const to = `${folder}/${program}/new dir`;
          const { outputs, error } = await download(bin, [
            { source: `${web.origin}/a?q=[1]&x={y}`, destination: `${to}/name` },
            { source: `${web.origin}/a`, destination: `${to}/` },
          ]);
          assert.equal(error, '');
          assert.deepEqual(outputs, { destination: `${to}/name\n${to}/a` });
          await arrived(`${to}/name`);
          assert.equal(await shell('ls -A "$1"; stat -c %a "$1/name"', to), 'a\nname\n644\n');
          assert.ok(web.requests.map(decodeURIComponent).some((line) => line.startsWith('/a?q=[1]&x={y} ')));
        });

        test('redirects are followed to a 200', async () => {
          web.answers['/from'] = [{ status: 302, headers: { location: '/to' } }];
          web.answers['/to'] = [{}];
          const { error, to } = await get('/from');
          assert.equal(error, '');
          await arrived(to);
        });

        test('an empty file is a file', async () => {
          web.answers['/empty'] = [{ body: Buffer.alloc(0) }];
          const { error, to } = await get('/empty');
          assert.equal(error, '');
          assert.equal(await shell('wc -c < "$1"', to), '0\n');
        });

        test('every status but 200 fails, after five tries with growing pauses, and leaves nothing behind', async () => {
          for (const status of [204, 206, 404, 500]) {
            web.answers['/bad'] = [{ status }];
            const { error, waited, to } = await get('/bad', { destination: `${folder}/${program}-bad${status}/x` });
            assert.match(error, new RegExp(`after 5 tries: the server answered with HTTP status ${status}`), to);
            assert.deepEqual(waited, [1000, 2000, 4000, 8000]);
            assert.equal(web.requests.length, 5);
            assert.equal(await shell('ls -A "$1"', `${folder}/${program}-bad${status}`), '');
          }
        });

        test('a server that recovers, and one that is not there', async () => {
          web.answers['/later'] = [{ status: 503 }, { status: 503 }, {}];
          const { error, waited } = await get('/later');
          assert.deepEqual([error, waited], ['', [1000, 2000]]);
          const gone = await get('/gone', { source: 'http://127.0.0.1:1/x' });
          assert.match(gone.error, new RegExp(`after 5 tries: .*${program} ended with exit status \\d+`));
        });

        test('checksums of all algorithms are verified', async () => {
          web.answers['/sum'] = [{}];
          for (const algorithm of ['MD5', 'SHA1', 'SHA256', 'SHA512']) {
            const checksum = createHash(algorithm.toLowerCase()).update(BODY).digest('hex').toUpperCase();
            assert.equal((await get('/sum', { checksum, algorithm })).error, '');
            const wrong = checksum.replace(/./, (first) => (first === '0' ? '1' : '0'));
            const other = await get('/sum', { checksum: wrong, algorithm });
            assert.match(other.error, new RegExp(`the ${algorithm} checksum is ${checksum.toLowerCase()}, not`));
            assert.equal(await shell('ls -d "$1"* || :', other.to), '');
          }
        });

        test('a file with the right checksum is kept without a download; overwrite false fails on any file', async () => {
          web.answers['/kept'] = [{}];
          const checksum = createHash('sha256').update(BODY).digest('hex');
          const entry = { checksum, algorithm: 'SHA256' };
          const { to } = await get('/kept', entry);
          assert.equal((await get('/kept', { ...entry, destination: to })).error, '');
          assert.equal(web.requests.length, 0);
          const refused = await get('/kept', { ...entry, destination: to, overwrite: false });
          assert.match(refused.error, /exists and overwrite is false/);
          assert.deepEqual(refused.waited, []);
        });

        test('a download that broke off goes on where it broke off, as often as it breaks', async () => {
          web.answers['/cut'] = [
            { headers: ETAG, ranges: true, cutAt: HALF },
            { headers: ETAG, ranges: true, cutAt: 100_000 },
            { status: 503 },
            { headers: ETAG, ranges: true },
          ];
          const { error, to, waited } = await get('/cut');
          assert.equal(error, '');
          await arrived(to);
          assert.deepEqual(waited, [1000, 2000, 4000]);
          assert.deepEqual(web.requests, [
            '/cut - - -',
            `/cut bytes=${HALF}- "v1" -`,
            `/cut bytes=${HALF + 100_000}- "v1" -`,
            `/cut bytes=${HALF + 100_000}- "v1" -`,
          ]);
          assert.equal(await shell('ls -d "$1"*', to), `${to}\n`);
        });

        test('a file that changed in the meantime is taken anew, also when it is shorter than what came', async () => {
          const other = Buffer.from('another file');
          for (const body of [other, Buffer.concat([other, BODY])]) {
            web.answers['/changed'] = [
              { headers: ETAG, ranges: true, cutAt: HALF },
              { headers: { etag: '"v2"' }, ranges: true, body },
            ];
            const { error, to } = await get('/changed');
            assert.equal(error, '');
            await arrived(to, body);
          }
        });

        test('where the server cannot go on or cannot say that the file is the same, the download begins anew', async () => {
          const old = { 'last-modified': 'Mon, 02 Jan 2006 15:04:05 GMT' };
          const cases: readonly (readonly [Readonly<Record<string, string>>, boolean, string])[] = [
            [ETAG, false, `/anew bytes=${HALF}- "v1" -`],
            [old, true, `/anew bytes=${HALF}- ${old['last-modified']} -`],
            [{ etag: 'W/"v1"', ...old }, true, '/anew - - -'],
            [{ etag: '"v1"', 'accept-ranges': 'none' }, true, '/anew - - -'],
            [{}, true, '/anew - - -'],
          ];
          for (const [headers, ranges, second] of cases) {
            web.answers['/anew'] = [
              { headers, ranges, cutAt: HALF },
              { headers, ranges },
            ];
            const { error, to } = await get('/anew');
            assert.equal(error, '');
            await arrived(to);
            assert.equal(web.requests[1], second);
          }
        });

        test('with a checksum it goes on without a validator, and begins anew when the whole is wrong', async () => {
          const entry = { checksum: createHash('sha256').update(BODY).digest('hex'), algorithm: 'SHA256' };
          web.answers['/mixed'] = [
            { ranges: true, cutAt: HALF, body: Buffer.alloc(BODY.length, 'x') },
            { ranges: true },
          ];
          const { error, to } = await get('/mixed', entry);
          assert.equal(error, '');
          await arrived(to);
          assert.deepEqual(web.requests, ['/mixed - - -', `/mixed bytes=${HALF}- - -`, '/mixed - - -']);
        });

        test('what broke off five times is removed', async () => {
          web.answers['/never'] = [{ headers: ETAG, ranges: true, cutAt: 50_000 }];
          const { error, to } = await get('/never');
          assert.match(error, /after 5 tries: the transfer broke off/);
          assert.equal(await shell('ls -d "$1"* || :', to), '');
        });

        describe('through a proxy', () => {
          let proxy: HttpProxy;
          before(async () => {
            proxy = await startHttpProxy();
          });
          after(() => proxy[Symbol.asyncDispose]());

          test('HTTP_PROXY and http_proxy are used, NO_PROXY names what is reached without', async () => {
            web.answers['/proxied'] = [{}];
            for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) {
              assert.equal((await get('/proxied', {}, { [name]: proxy.url })).error, '');
              assert.match(web.requests[0] ?? '', / 1\.1 \S+ \(tinyproxy/);
            }
            for (const no of [{ NO_PROXY: 'other.test,127.0.0.1' }, { no_proxy: '127.0.0.1' }]) {
              assert.equal((await get('/proxied', {}, { HTTP_PROXY: proxy.url, ...no })).error, '');
              assert.deepEqual(web.requests, ['/proxied - - -']);
            }
            const gone = await get('/proxied', {}, { HTTP_PROXY: 'http://127.0.0.1:1' });
            assert.match(gone.error, /after 5 tries/);
            assert.deepEqual(web.requests, []);
          });

          test('a download goes on through it', async () => {
            web.answers['/cut-proxied'] = [
              { headers: ETAG, ranges: true, cutAt: HALF },
              { headers: ETAG, ranges: true },
            ];
            const { error, to } = await get('/cut-proxied', {}, { HTTP_PROXY: proxy.url });
            assert.equal(error, '');
            await arrived(to);
            assert.match(web.requests[1] ?? '', /^\/cut-proxied bytes=\d+- "v1" 1\.1 \S+ \(tinyproxy/);
          });

          const tunnel = 'HTTPS_PROXY is a tunnel; ignoreCertificateErrors trusts any certificate, the default none';
          test(tunnel, async () => {
            await using secure = await serveDownloads(BODY, await selfSigned());
            secure.answers['/secure'] = [{}];
            const entry = { source: `${secure.origin}/secure` };
            const through = { HTTPS_PROXY: proxy.url };
            if (program === 'busybox') {
              const refused = await get('', { ...entry, ignoreCertificateErrors: true }, through);
              assert.match(refused.error, /the wget of busybox opens no tunnel .* install curl or wget/);
              assert.deepEqual([refused.waited, secure.requests], [[], []]);
              assert.doesNotMatch(proxy.log(), new RegExp(new URL(secure.origin).host));
              return;
            }
            assert.match((await get('', entry, through)).error, /after 5 tries/);
            assert.deepEqual(secure.requests, []);
            const { error, to } = await get('', { ...entry, ignoreCertificateErrors: true }, through);
            assert.equal(error, '');
            await arrived(to);
            assert.match(proxy.log(), new RegExp(`CONNECT ${new URL(secure.origin).host}`));
          });
        });
      });
    }

    test('without curl and wget the step says what is missing', async () => {
      const bin = await programs(DIGESTS);
      const { error, waited } = await download(bin, [{ source: `${web.origin}/a`, destination: `${folder}/x` }]);
      assert.match(error, /needs curl or wget on the machine, and it has neither/);
      assert.deepEqual(waited, []);
    });

    test('a URL without a file name needs a destination with one', async () => {
      const entry = { source: `${web.origin}/`, destination: `${folder}/` };
      assert.match((await download(await programs([]), [entry])).error, /ends with no file name/);
    });
  });
}
