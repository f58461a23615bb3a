import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imdsMetadata } from './imds.ts';
import { knownMetadata } from './known-metadata.ts';
import { simulateImds } from './simulated-imds.fixture.ts';

const VALUES = { 'instance-id': 'i-0123456789abcdef0', 'placement/region': 'eu-west-1', big: 'x'.repeat(70_000) };
const never = new AbortController().signal;

test('a session is opened once, and again when the service (simulated) has forgotten it', async () => {
  await using imds = await simulateImds(VALUES);
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
  await using imds = await simulateImds(VALUES);
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
