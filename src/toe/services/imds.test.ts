import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { imdsMetadata } from './imds.ts';
import { knownMetadata } from './known-metadata.ts';

const never = new AbortController().signal;

interface Simulated extends AsyncDisposable {
  readonly url: string;
  readonly requests: string[];
  /** The sessions so far are no longer known. */
  forget(): void;
}

/** A simulated metadata service that answers as the EC2 User Guide says, to sessions only. */
async function simulateImds(): Promise<Simulated> {
  const requests: string[] = [];
  const tokens = new Set<string>();
  const values: Readonly<Record<string, string>> = {
    'instance-id': 'i-0123456789abcdef0',
    'placement/region': 'eu-west-1',
    big: 'x'.repeat(70_000),
  };
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (request.method === 'PUT' && request.url === '/latest/api/token') {
      const ttl = Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds']);
      if (!(ttl >= 1 && ttl <= 21_600)) return response.writeHead(400).end();
      const token = `token-${tokens.size + requests.length}`;
      tokens.add(token);
      return response.end(token);
    }
    if (!tokens.has(String(request.headers['x-aws-ec2-metadata-token']))) return response.writeHead(401).end();
    const path = /^\/latest\/meta-data\/(.*)$/.exec(request.url ?? '')?.[1] ?? '';
    if (path === 'moved') return response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    if (path === 'broken') return response.writeHead(500).end();
    const value = values[path];
    return value === undefined ? response.writeHead(404).end() : response.end(value);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    forget: () => tokens.clear(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test('a session is opened once, and again when the service (simulated) has forgotten it', async () => {
  await using imds = await simulateImds();
  const metadata = imdsMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: `${imds.url}/` });
  assert.equal(await metadata('instance-id', never), 'i-0123456789abcdef0');
  assert.equal(await metadata('placement/region', never), 'eu-west-1');
  assert.equal(await metadata('no/such/key', never), undefined);
  imds.forget();
  assert.equal(await metadata('instance-id', never), 'i-0123456789abcdef0');
  const asked = imds.requests.map((request) => request.replace('/latest/', ''));
  assert.deepEqual(asked.filter((request) => request.startsWith('PUT')).length, 2);
  assert.deepEqual(asked.slice(0, 3), ['PUT api/token', 'GET meta-data/instance-id', 'GET meta-data/placement/region']);
});

test('what goes wrong is told: nobody there, switched off, an error, a redirect, a value without end', async () => {
  await using imds = await simulateImds();
  const metadata = imdsMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url });
  await assert.rejects(metadata('broken', never), /answered with HTTP status 500/);
  await assert.rejects(metadata('moved', never), /no instance metadata service answers/);
  await assert.rejects(metadata('big', never), /more than 65536 characters/);
  const nobody = imdsMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' });
  await assert.rejects(
    nobody('instance-id', never),
    /no instance metadata service answers at http:\/\/127\.0\.0\.1:1 \(.*\); off EC2 .*AWS_EC2_METADATA_SERVICE_ENDPOINT/,
  );
  const off = imdsMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url, AWS_EC2_METADATA_DISABLED: 'true' });
  await assert.rejects(off('instance-id', never), /switched off \(AWS_EC2_METADATA_DISABLED\)/);
  const reason = new Error('enough');
  await assert.rejects(metadata('instance-id', AbortSignal.abort(reason)), (thrown) => thrown === reason);
});

test('known values are found by path, and a folder is the list of what is in it', async () => {
  const metadata = knownMetadata({ 'instance-id': 'i-1', 'placement/region': 'r', 'placement/availability-zone': 'z' });
  assert.equal(await metadata('/instance-id', never), 'i-1');
  assert.equal(await metadata('placement//region/', never), 'r');
  assert.equal(await metadata('placement/', never), 'availability-zone\nregion');
  assert.equal(await metadata('/', never), 'instance-id\nplacement/');
  assert.equal(await metadata('placement/reg', never), undefined);
  assert.equal(await metadata('toString', never), undefined);
});
