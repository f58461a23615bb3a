import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { DOWNLOAD_LIMITS, downloadBytes } from './download.ts';

const signal = new AbortController().signal;

test('a server that answers nothing is given up', async () => {
  await using server = await silentServer();
  const limits = { ...DOWNLOAD_LIMITS, answerSeconds: 0.05 };
  await assert.rejects(downloadBytes(server.url, signal, limits), {
    name: 'BuilderFault',
    message: /no answer within/,
  });
});

test('a download that stops coming is given up', async () => {
  await using server = await silentServer('the first bytes');
  const limits = { ...DOWNLOAD_LIMITS, stallSeconds: 0.05 };
  await assert.rejects(downloadBytes(server.url, signal, limits), {
    name: 'BuilderFault',
    message: /nothing came for/,
  });
});

test('a text that does not end is given up', async () => {
  await using server = await silentServer(Buffer.alloc(5 * 2 ** 20));
  await assert.rejects(downloadBytes(server.url, signal), { name: 'BuilderFault', message: /larger than 4 MiB/ });
});

test('nothing is fetched without protection from another machine', async () => {
  await assert.rejects(downloadBytes('http://mirror.invalid/SHA256SUMS', signal), { message: /not come over https/ });
});

async function silentServer(first?: string | Buffer): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_request, response) => {
    if (first !== undefined) response.write(first);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
