import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { documentOf, newPath, type Observed, run } from '../run-documents.fixture.ts';
import type { RunServices } from '../run-services.ts';
import { awsSettings } from '../services/aws-settings.ts';
import { s3Objects } from '../services/s3.ts';
import { SIMULATED_KEY, SIMULATED_OWNER, type SimulatedS3, simulateS3 } from '../services/simulated-s3.fixture.ts';

const MIB = 1024 * 1024;

describe('S3 (simulated)', () => {
  let s3: SimulatedS3;
  let services: RunServices;
  before(async () => {
    s3 = await simulateS3();
    const settings = awsSettings(
      {
        AWS_ACCESS_KEY_ID: SIMULATED_KEY.accessKeyId,
        AWS_SECRET_ACCESS_KEY: SIMULATED_KEY.secretAccessKey,
        AWS_ENDPOINT_URL_S3: s3.url,
      },
      's3',
      'eu-west-1',
    );
    assert.ok(settings !== undefined);
    services = { objects: s3Objects(settings) };
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    s3.objects.clear();
    s3.requests.length = 0;
    s3.breakOff = 0;
    s3.refuseParts = false;
  });
  const step = async (action: string, ...inputs: readonly object[]): Promise<Observed> =>
    run([documentOf({ build: [{ name: 'S', action, inputs }] })], { services });
  const succeed = async (action: string, ...inputs: readonly object[]): Promise<void> => {
    const result = await step(action, ...inputs);
    assert.equal(result.status, 'success', result.firstFailure?.errorMessage);
  };
  const fail = async (message: RegExp, action: string, ...inputs: readonly object[]): Promise<void> => {
    assert.match((await step(action, ...inputs)).firstFailure?.errorMessage ?? 'nothing failed', message);
  };

  test('an object becomes a file whose folders are made; binary content stays as it is', async () => {
    const content = randomBytes(3 * MIB);
    s3.objects.set('my-bucket/a b/ü+%20.bin', content);
    const destination = `${newPath()}/x/file`;
    await succeed('S3Download', { source: 's3://my-bucket/a b/ü+%20.bin', destination });
    assert.deepEqual(await readFile(destination), content);
    assert.deepEqual(await readdir(dirname(destination)), ['file']);
  });

  test('a prefix becomes a folder, over several pages of keys', async () => {
    for (const key of ['p/1', 'p/2', 'p/sub/3', 'p/sub/', 'p/4 & <5>', 'other/6'])
      s3.objects.set(`my-bucket/${key}`, Buffer.from(key));
    const destination = newPath();
    await succeed('S3Download', { source: 's3://my-bucket/p/*', destination });
    assert.deepEqual((await readdir(destination, { recursive: true })).toSorted(), [
      '1',
      '2',
      '4 & <5>',
      'sub',
      'sub/3',
    ]);
    assert.equal(await readFile(`${destination}/sub/3`, 'utf8'), 'p/sub/3');
  });

  test('overwrite false fails with the words of AWSTOE and keeps the file', async () => {
    s3.objects.set('my-bucket/a', Buffer.from('new'));
    const destination = newPath();
    await writeFile(destination, 'old');
    const words =
      /^S3Download: File already exists and "overwrite" property for "destination" file is set to false\. Cannot download\.$/;
    await fail(words, 'S3Download', { source: 's3://my-bucket/a', destination, overwrite: false });
    assert.equal(await readFile(destination, 'utf8'), 'old');
    await succeed('S3Download', { source: 's3://my-bucket/a', destination });
    assert.equal(await readFile(destination, 'utf8'), 'new');
  });

  test('a download that breaks off is tried again, and no half of a file is left', async () => {
    const content = randomBytes(2 * MIB);
    s3.objects.set('my-bucket/a', content);
    const destination = newPath();
    s3.breakOff = 2;
    await succeed('S3Download', { source: 's3://my-bucket/a', destination });
    assert.deepEqual(await readFile(destination), content);
    s3.breakOff = 3;
    const never = newPath();
    await fail(/broke off 3 times/, 'S3Download', { source: 's3://my-bucket/a', destination: never });
    const siblings = await readdir(dirname(never));
    assert.deepEqual(
      siblings.filter((name) => name.startsWith(`${basename(never)}`)),
      [],
    );
  });

  test('what is not there, not allowed or no object is told', async () => {
    const destination = newPath();
    await fail(/there is no object s3:\/\/my-bucket\/none/, 'S3Download', {
      source: 's3://my-bucket/none',
      destination,
    });
    await fail(/there is no object below/, 'S3Download', { source: 's3://my-bucket/none/*', destination });
    await fail(/AccessDenied/, 'S3Download', {
      source: 's3://my-bucket/a',
      destination,
      expectedBucketOwner: '111122223333',
    });
    await fail(/12 digits/, 'S3Download', {
      source: 's3://my-bucket/a',
      destination,
      expectedBucketOwner: '{{ context:phase }}',
    });
    await fail(/s3:\/\/BUCKET\/KEY/, 'S3Download', { source: '{{ context:phase }}', destination });
    await fail(/last part of the source/, 'S3Download', { source: 's3://my-bucket/a*', destination });
    s3.objects.set('my-bucket/a', Buffer.from('x'));
    await succeed('S3Download', { source: 's3://my-bucket/a', destination, expectedBucketOwner: SIMULATED_OWNER });
  });

  test('keys cannot lead out of the destination', async () => {
    s3.objects.set('my-bucket/p/../../evil', Buffer.from('x'));
    await fail(/leads out of the destination/, 'S3Download', { source: 's3://my-bucket/p/*', destination: newPath() });
  });

  test('a file becomes an object, by the name of the key or its own', async () => {
    const source = newPath();
    await writeFile(source, 'hello');
    await succeed(
      'S3Upload',
      { source, destination: 's3://my-bucket/up/name', expectedBucketOwner: SIMULATED_OWNER },
      { source, destination: 's3://my-bucket/up/' },
    );
    assert.deepEqual([...s3.objects.keys()], ['my-bucket/up/name', `my-bucket/up/${basename(source)}`]);
    assert.equal(s3.objects.get('my-bucket/up/name')?.toString(), 'hello');
  });

  test('a large file goes up in parts, and an upload that fails is withdrawn', async () => {
    const source = newPath();
    const content = randomBytes(20 * MIB + 17);
    await writeFile(source, content);
    await succeed('S3Upload', { source, destination: 's3://my-bucket/big' });
    assert.equal(s3.objects.get('my-bucket/big')?.equals(content), true);
    assert.equal(s3.requests.filter((request) => request.includes('partNumber=')).length, 3);
    s3.refuseParts = true;
    await fail(/InvalidPart/, 'S3Upload', { source, destination: 's3://my-bucket/bad' });
    assert.equal(s3.pending.size, 0);
  });

  test('a pattern and a folder go up with their relative names, below only with recurse', async () => {
    const folder = newPath();
    await mkdir(`${folder}/sub/deep`, { recursive: true });
    for (const name of ['a.txt', 'b.log', '.hidden.txt', 'sub/c.txt', 'sub/deep/d e\n.txt'])
      await writeFile(`${folder}/${name}`, name);
    await symlink('sub', `${folder}/link`);
    const keys = (): string[] => [...s3.objects.keys()].map((key) => key.slice('my-bucket/'.length)).toSorted();
    await succeed('S3Upload', { source: `${folder}/*`, destination: 's3://my-bucket/f/' });
    assert.deepEqual(keys(), ['f/.hidden.txt', 'f/a.txt', 'f/b.log']);
    s3.objects.clear();
    await succeed('S3Upload', { source: `${folder}/*.txt`, destination: 's3://my-bucket/' });
    assert.deepEqual(keys(), ['.hidden.txt', 'a.txt']);
    s3.objects.clear();
    await succeed('S3Upload', { source: folder, destination: 's3://my-bucket/f/', recurse: 'true' });
    assert.deepEqual(keys(), ['f/.hidden.txt', 'f/a.txt', 'f/b.log', 'f/sub/c.txt', 'f/sub/deep/d e\n.txt']);
    await fail(/set recurse to true/, 'S3Upload', { source: folder, destination: 's3://my-bucket/f/' });
    await fail(/nothing matches/, 'S3Upload', { source: `${folder}/*.zip`, destination: 's3://my-bucket/f/' });
    await fail(/must end with \//, 'S3Upload', { source: `${folder}/*`, destination: 's3://my-bucket/f' });
  });

  test('a large object goes through in bounded memory', async () => {
    s3.objects.set('my-bucket/big', Buffer.alloc(192 * MIB, 'x'));
    const destination = newPath();
    const begin = process.memoryUsage.rss();
    let most = begin;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 5);
    await succeed('S3Download', { source: 's3://my-bucket/big', destination });
    clearInterval(watch);
    assert.equal((await stat(destination)).size, 192 * MIB);
    assert.ok(most - begin < 64 * MIB, `grew by ${Math.round((most - begin) / MIB)} MiB`);
  });

  test('the credentials are seen nowhere on the machine that is built', async () => {
    s3.objects.set('my-bucket/env', Buffer.from('x'));
    const get = {
      name: 'Get',
      action: 'S3Download',
      inputs: [{ source: 's3://my-bucket/env', destination: newPath() }],
    };
    const look = { name: 'Look', action: 'ExecuteBash', inputs: { commands: ['env'] } };
    const result = await run([documentOf({ build: [get, look] })], { services });
    assert.equal(JSON.stringify(result).includes(SIMULATED_KEY.secretAccessKey), false);
  });
});

test('without credentials the step says how to configure them', async () => {
  const inputs = [{ source: 's3://my-bucket/a', destination: '/tmp/never' }];
  const result = await run([documentOf({ build: [{ name: 'S', action: 'S3Download', inputs }] })]);
  assert.match(result.firstFailure?.errorMessage ?? '', /no credentials for S3 are configured .* AWS_PROFILE/);
});
