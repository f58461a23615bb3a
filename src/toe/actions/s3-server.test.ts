import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { documentOf, newPath, type Observed, run } from '../run-documents.fixture.ts';
import { awsSettings } from '../services/aws-settings.ts';
import { s3Objects } from '../services/s3.ts';
import { S3_SERVER_KEYS, type S3Server, startS3Server } from '../services/s3-server.fixture.ts';

const MIB = 1024 * 1024;

describe('S3 of a server that others wrote', () => {
  let server: S3Server;
  before(async () => {
    server = await startS3Server('my-bucket', { strict: false });
  });
  after(() => server[Symbol.asyncDispose]());

  const step = async (action: string, inputs: object, url = server.url, keys = S3_SERVER_KEYS): Promise<Observed> => {
    const settings = awsSettings({ ...keys, AWS_ENDPOINT_URL_S3: url }, 's3', 'us-east-1');
    assert.ok(settings !== undefined);
    const services = { objects: s3Objects(settings) };
    return run([documentOf({ build: [{ name: 'S', action, inputs: [inputs] }] })], { services });
  };
  const succeed = async (action: string, inputs: object): Promise<void> => {
    const result = await step(action, inputs);
    assert.equal(result.status, 'success', result.firstFailure?.errorMessage);
  };
  const fail = async (message: RegExp, action: string, inputs: object): Promise<void> => {
    assert.match((await step(action, inputs)).firstFailure?.errorMessage ?? 'nothing failed', message);
  };

  test('files come back as they went, small ones, empty ones and those that go in parts', async () => {
    const sizes = [0, 1, 8 * MIB, 8 * MIB + 1, 21 * MIB];
    for (const size of sizes) {
      const [from, to] = [newPath(), newPath()];
      const content = randomBytes(size);
      await writeFile(from, content);
      await succeed('S3Upload', { source: from, destination: `s3://my-bucket/sizes/${size}` });
      await succeed('S3Download', { source: `s3://my-bucket/sizes/${size}`, destination: to });
      assert.equal(Buffer.compare(await readFile(to), content), 0, `${size} bytes`);
    }
  });

  test('names with spaces, signs and letters of all kinds', async () => {
    const from = newPath();
    // No & and <: this server escapes them twice in its lists.
    const names = ['a b', 'plus+percent%20', 'ü€𝄞', 'q?x=1'];
    await mkdir(`${from}/sub folder`, { recursive: true });
    for (const name of names) await writeFile(`${from}/sub folder/${name}`, name);
    await succeed('S3Upload', { source: from, destination: 's3://my-bucket/odd names/', recurse: true });
    const to = newPath();
    await succeed('S3Download', { source: 's3://my-bucket/odd names/*', destination: to });
    assert.deepEqual((await readdir(`${to}/sub folder`)).toSorted(), names.toSorted());
    for (const name of names) assert.equal(await readFile(`${to}/sub folder/${name}`, 'utf8'), name);
  });

  test('a wildcard takes files of one folder, a prefix of more than a page comes whole', async () => {
    const from = newPath();
    await mkdir(`${from}/sub`, { recursive: true });
    for (let index = 0; index < 30; index++) await writeFile(`${from}/f${index}.log`, String(index));
    await writeFile(`${from}/other.txt`, 'x');
    await writeFile(`${from}/sub/deep.log`, 'x');
    await succeed('S3Upload', { source: `${from}/*.log`, destination: 's3://my-bucket/wild/' });
    const to = newPath();
    await succeed('S3Download', { source: 's3://my-bucket/wild/*', destination: to });
    assert.equal((await readdir(to)).length, 30);
    assert.equal(await readFile(`${to}/f29.log`, 'utf8'), '29');
  });

  test('what the server says against a request is why the step fails', async () => {
    const destination = newPath();
    await fail(/there is no object s3:\/\/my-bucket\/none/, 'S3Download', {
      source: 's3://my-bucket/none',
      destination,
    });
    await fail(/NoSuchBucket/, 'S3Download', { source: 's3://no-such-bucket/x', destination });
    await writeFile(destination, 'x');
    await fail(/NoSuchBucket/, 'S3Upload', { source: destination, destination: 's3://no-such-bucket/x' });
  });

  test('requests for objects and their parts have the signature that it computes, with the right key only', async () => {
    await using strict = await startS3Server('my-bucket', { strict: true });
    const [from, to] = [newPath(), newPath()];
    await writeFile(from, randomBytes(9 * MIB));
    const up = { source: from, destination: 's3://my-bucket/a b/ü+%.bin', expectedBucketOwner: '012345678901' };
    assert.equal((await step('S3Upload', up, strict.url)).status, 'success');
    const down = { source: 's3://my-bucket/a b/ü+%.bin', destination: to };
    assert.equal((await step('S3Download', down, strict.url)).status, 'success');
    assert.equal(Buffer.compare(await readFile(to), await readFile(from)), 0);
    const wrong = await step('S3Download', down, strict.url, { ...S3_SERVER_KEYS, AWS_SECRET_ACCESS_KEY: 'wrong' });
    assert.match(wrong.firstFailure?.errorMessage ?? '', /SignatureDoesNotMatch/);
  });
});
