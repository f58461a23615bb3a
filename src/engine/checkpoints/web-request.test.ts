import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { resourceStates } from './resource-states.ts';
import { webRequest } from './web-request.ts';

const never = new AbortController().signal;

async function serve(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

describe('states of what is out there', () => {
  test('a download has that of its server: a strong tag, else time and length', async () => {
    const headers: Record<string, Record<string, string>> = {
      '/tag': { etag: '"abc"' },
      '/weak': { etag: 'W/"abc"', 'last-modified': 'Mon, 09 Mar 2026 10:00:00 GMT', 'content-length': '5' },
      '/none': {},
    };
    await using server = await serve((request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/tag' }).end();
      else response.writeHead(headers[request.url ?? ''] === undefined ? 404 : 200, headers[request.url ?? '']).end();
    });
    const states = resourceStates(webRequest({ allowOwnMachine: true }), undefined);
    const of = (path: string) => states.web(server.url + path, never);
    assert.equal(await of('/tag'), 'etag "abc"');
    assert.equal(await of('/moved'), 'etag "abc"');
    assert.equal(await of('/weak'), 'modified Mon, 09 Mar 2026 10:00:00 GMT 5');
    assert.equal(await of('/none'), undefined);
    assert.equal(await of('/lost'), undefined);
  });

  test('of a repository only an index that has changed is fetched', async () => {
    let content = 'first';
    const sent: number[] = [];
    await using server = await serve((request, response) => {
      const etag = `"${content}"`;
      const code = request.headers['if-none-match'] === etag ? 304 : 200;
      sent.push(code);
      response.writeHead(code, { etag }).end(code === 200 ? content : undefined);
    });
    const fresh = () => resourceStates(webRequest({ allowOwnMachine: true }), undefined);
    const first = await fresh().index(server.url, never);
    assert.ok(first !== undefined);
    assert.deepEqual(await fresh().index(server.url, never, first), first);
    content = 'second';
    assert.notEqual((await fresh().index(server.url, never, first))?.sha256, first.sha256);
    assert.deepEqual(sent, [200, 304, 200]);
  });

  test('this machine itself is not asked, by name or by number', async () => {
    await using server = await serve((_, response) => response.writeHead(200, { etag: '"x"' }).end());
    const request = webRequest();
    const port = new URL(server.url).port;
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '169.254.169.254', '[::ffff:127.0.0.1]']) {
      assert.equal(await request(`http://${host}:${port}/`, { method: 'HEAD', headers: {} }, never), undefined, host);
    }
    assert.equal(await request('file:///etc/passwd', { method: 'GET', headers: {} }, never), undefined);
  });

  test('an answer that does not end, is too large, or goes in circles is none', async () => {
    await using server = await serve((request, response) => {
      if (request.url === '/circle') response.writeHead(302, { location: '/circle' }).end();
      else response.writeHead(200).end(Buffer.alloc(5 * 1024 * 1024));
    });
    const request = webRequest({ allowOwnMachine: true });
    assert.equal(await request(`${server.url}/circle`, { method: 'GET', headers: {} }, never), undefined);
    assert.equal(await request(`${server.url}/large`, { method: 'GET', headers: {} }, never), undefined);
    const aborted = AbortSignal.abort(new Error('enough'));
    await assert.rejects(request(server.url, { method: 'GET', headers: {} }, aborted), /enough/);
  });

  test('objects have that of all their contents', async () => {
    const store = (etags: readonly string[]) =>
      ({ etags: async () => etags.map((etag, index) => ({ key: `k${index}`, etag })) }) as never;
    const place = { bucket: 'b', key: 'k', expectedOwner: undefined };
    const of = (etags: readonly string[]) => resourceStates(undefined, store(etags)).objects(place, never);
    assert.equal(await of(['a', 'b']), await of(['a', 'b']));
    assert.notEqual(await of(['a', 'b']), await of(['a', 'c']));
    assert.equal(await resourceStates(undefined, undefined).objects(place, never), undefined);
  });
});
