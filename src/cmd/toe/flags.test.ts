import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { InvalidDocumentError } from '../../util/problem.ts';
import { parseRunConfig } from './run-config-file.ts';
import { at, type Ended, toeWith } from './toe.fixture.ts';

let bucket: Server;
/** Objects of a stand-in for S3 that knows GET and PUT. */
const objects = new Map<string, string>();

before(async () => {
  bucket = createServer((request, response) => {
    const key = (request.url ?? '').split('?')[0] ?? '';
    if (request.method === 'PUT') {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        objects.set(key, `${request.headers['x-amz-expected-bucket-owner'] ?? ''}|${Buffer.concat(chunks).toString()}`);
        response.writeHead(200, { etag: '"x"' }).end();
      });
      return;
    }
    const body = objects.get(key);
    if (body === undefined) response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    else response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body);
  });
  await new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  bucket.closeAllConnections();
  await new Promise((resolve) => bucket.close(resolve));
});

function toe(...args: string[]): Promise<Ended> {
  const { port } = bucket.address() as AddressInfo;
  return toeWith({
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
  })(...args);
}

const DOCUMENT = JSON.stringify({
  schemaVersion: '1.0',
  parameters: [{ Who: { type: 'string', default: 'default' } }, { Greeting: { type: 'string', default: 'hello' } }],
  phases: ['build', 'validate', 'test'].map((name) => ({
    name,
    steps: [{ name: 'S', action: 'ExecuteBash', inputs: { commands: [`echo ${name} {{ Greeting }} {{ Who }}`] } }],
  })),
});

async function configure(config: object): Promise<string> {
  await writeFile(at('doc.yaml'), DOCUMENT);
  await writeFile(at('config.json'), JSON.stringify(config));
  return 'config.json';
}

test('a configuration file gives documents and settings; parameters of a document win over those for all', async () => {
  const config = await configure({
    documents: [{ path: 'doc.yaml', parameters: [{ name: 'Who', value: 'one' }] }, { path: 'doc.yaml' }],
    parameters: [
      { name: 'Who', value: 'all' },
      { name: 'Greeting', value: 'hi' },
    ],
    phases: 'build',
    executonId: 'id-c',
    logDirectory: 'logs-c',
    trace: true,
  });
  const { code, stdout, stderr } = await toe('run', '--config', config);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).executionId, 'id-c');
  assert.match(stderr, /build hi one\n[\s\S]*build hi all\n/);
  assert.match(stderr, /T.*Z doc\.yaml: build\/S: success/);
  const [logs = ''] = await readdir(at('logs-c'));
  assert.deepEqual((await readdir(at('logs-c', logs))).toSorted().slice(3), [
    'detailedoutput.json',
    'document-2.yaml',
    'document.yaml',
  ]);
});

test('flags win over the configuration file, and --documents and --parameters exclude it', async () => {
  const config = await configure({
    documents: [{ path: 'doc.yaml' }],
    phases: 'build',
    executionId: 'id-c',
    logDirectory: 'logs',
  });
  const { stdout, stderr } = await toe('run', '-c', config, '-p', 'test,validate', '-i', 'id-f');
  assert.equal(JSON.parse(stdout).executionId, 'id-f');
  assert.match(stderr, /validate hello default\n[\s\S]*test hello default\n/);
  assert.doesNotMatch(stderr, /build hello/);
  for (const flag of ['--documents', '--parameters']) {
    const refused = await toe('run', '-c', config, flag, 'Who=x');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--config and --(documents|parameters) exclude each other/);
  }
});

test('problems of the configuration file have their places and a suggestion', () => {
  const text = '{\n  "documents": [],\n  "logDirectry": "x",\n  "phases": ["build"]\n}\n';
  assert.throws(
    () => parseRunConfig(text, 'c.json'),
    (error) => {
      assert.ok(error instanceof InvalidDocumentError);
      assert.match(error.message, /c\.json:2:\d+: The list of documents is empty/);
      assert.match(error.message, /c\.json:3:3: .*'logDirectry'.*did you mean 'logDirectory'/);
      assert.match(error.message, /c\.json:4:\d+: Phases must be text/);
      return true;
    },
  );
});

test('logs go to S3 and logUrl says where; a document comes from there', async () => {
  await configure({ documents: [] });
  objects.set('/docs/a/doc.yaml', DOCUMENT);
  const bucketFlags = ['-b', 'logs', '-k', '/img/a/', '--log-s3-bucket-owner', '111122223333'];
  const { code, stdout, stderr } = await toe(
    'run',
    '-d',
    's3://docs/a/doc.yaml',
    '-p',
    'build',
    '-l',
    'logs-s3',
    ...bucketFlags,
  );
  assert.equal(code, 0, stderr);
  const { logUrl } = JSON.parse(stdout);
  assert.match(logUrl, /^s3:\/\/logs\/img\/a\/TOE_[^/]*$/);
  const key = logUrl.replace('s3:/', '');
  assert.match(objects.get(`${key}/console.log`) ?? '', /^111122223333\|.*Stdout: build hello default\n/s);
  assert.match(objects.get(`${key}/detailedoutput.json`) ?? '', /"filePath": "s3:\/\/docs\/a\/doc\.yaml"/);
  assert.equal((await toe('run', '-d', 's3://docs/missing.yaml')).code, 2);
});

test('the configuration file comes from S3 as well', async () => {
  await configure({ documents: [] });
  const config = { documents: [{ path: 's3://docs/a/doc.yaml' }, { path: 'doc.yaml' }], phases: 'test' };
  objects.set('/docs/a/doc.yaml', DOCUMENT);
  objects.set('/docs/config.json', JSON.stringify(config));
  const { code, stderr } = await toe('run', '-c', 's3://docs/config.json', '-l', 'logs-sc');
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/test hello default\n/g)?.length, 2);
  const missing = await toe('run', '-c', 's3://docs/none.json');
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /cannot read the configuration s3:\/\/docs\/none\.json: there is no object/);
});

test('blocked action modules are refused with the step that uses them, and a name that is none is refused', async () => {
  await configure({ documents: [] });
  const blocked = await toe('run', '-d', 'doc.yaml', '--blocked-action-modules', 'Reboot,ExecuteBash');
  assert.equal(blocked.code, 2);
  assert.match(blocked.stderr, /doc\.yaml:1:\d+: The step 'S' uses ExecuteBash, which is blocked here/);
  assert.match((await toe('run', '-d', 'doc.yaml', '--blocked-action-modules', 'Rebot')).stderr, /did you mean Reboot/);
});

test('with --output json problems are JSON on standard output, and progress is JSON lines on standard error', async () => {
  await configure({ documents: [] });
  await writeFile(at('bad.yaml'), 'schemaVersion: 1.0\nphase: []\n');
  const bad = await toe('validate', '-d', 'bad.yaml', '--output', 'json');
  assert.equal(bad.code, 2);
  const { valid, problems } = JSON.parse(bad.stdout);
  assert.equal(valid, false);
  assert.deepEqual(problems[0], {
    severity: 'error',
    file: 'bad.yaml',
    line: 1,
    column: 1,
    message: "A component document needs the key 'phases'.",
    hint: '',
  });
  const good = await toe('run', '-d', 'doc.yaml', '-p', 'build', '--output', 'json', '-l', 'logs-j');
  const events = good.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['step-started', 'output', 'step-ended'],
  );
  assert.equal(JSON.parse(good.stdout).status, 'success');
  assert.deepEqual(JSON.parse((await toe('validate', '-d', 'doc.yaml', '--output', 'json')).stdout), {
    valid: true,
    problems: [],
  });
});

test('spellings that the guide uses in places are understood, and the version is told', async () => {
  await configure({ documents: [] });
  const { code, stderr } = await toe(
    'run',
    '--document',
    'doc.yaml',
    '--parameter=Who=me',
    '-p',
    'test',
    '-l',
    'logs-v',
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, /test hello me/);
  for (const args of [['--version'], ['run', '-v'], ['validate', '--version']])
    assert.match((await toe(...args)).stdout, /^kiln \d+\.\d+\.\d+/);
  assert.match(await readFile(at('doc.yaml'), 'utf8'), /schemaVersion/);
});
