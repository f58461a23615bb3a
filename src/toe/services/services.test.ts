import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BuilderFault } from '../../util/faults.ts';
import { awsSettings } from './aws-settings.ts';
import { configureServices } from './configure.ts';

const never = new AbortController().signal;

async function withHome(body: (home: string) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'kiln-parameters-'));
  try {
    await body(home);
  } finally {
    await rm(home, { recursive: true });
  }
}

test('without keys and without a profile there is no access to AWS', () => {
  assert.equal(awsSettings({ AWS_REGION: 'eu-west-1' }, 's3', 'us-east-1'), undefined);
  assert.equal(awsSettings({ AWS_ACCESS_KEY_ID: 'A' }, 's3', 'us-east-1'), undefined);
  const keys = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S', AWS_ENDPOINT_URL: 'http://all.test' };
  assert.deepEqual(awsSettings({ ...keys, AWS_ENDPOINT_URL_SSM: 'http://ssm.test' }, 'ssm', 'us-east-1'), {
    region: 'us-east-1',
    credentials: { accessKeyId: 'A', secretAccessKey: 'S' },
    profile: undefined,
    endpoint: 'http://ssm.test',
  });
  assert.equal(awsSettings(keys, 's3', 'us-east-1')?.endpoint, 'http://all.test');
  assert.equal(awsSettings({ AWS_PROFILE: 'p' }, 's3', 'us-east-1')?.profile, 'p');
});

test('parameters come from a private file of KILN_HOME', async () => {
  await withHome(async (home) => {
    const { parameters } = configureServices({}, home, 'eu-west-1');
    assert.equal(await parameters?.('/a', never), undefined);
    const file = join(home, 'parameters.json');
    const value = {
      '/a': 'plain',
      '/b': { type: 'SecureString', value: 's' },
      '/c': { type: 'StringList', value: ['x', 'y'] },
      '/d': 1,
    };
    await writeFile(file, JSON.stringify(value), { mode: 0o600 });
    assert.deepEqual(await parameters?.('/a', never), { value: 'plain', secret: false });
    assert.deepEqual(await parameters?.('/b', never), { value: 's', secret: true });
    assert.deepEqual(await parameters?.('/c', never), { value: 'x,y', secret: false });
    assert.equal(await parameters?.('toString', never), undefined);
    await assert.rejects(async () => parameters?.('/d', never), BuilderFault);
    await chmod(file, 0o644);
    await assert.rejects(async () => parameters?.('/a', never), /others than its owner may read it/);
    await writeFile(file, '{"secret"', { mode: 0o600 });
    await chmod(file, 0o600);
    await assert.rejects(async () => parameters?.('/a', never), /parameters\.json is not JSON\.$/);
  });
});

test('Parameter Store (simulated) is asked with decryption, behind the file', async () => {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const input: { Name: string } = JSON.parse(body);
      asked.push([request.headers['x-amz-target'], input]);
      const found = input.Name === '/secret';
      response.writeHead(found ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
      const parameter = { Name: input.Name, Type: 'SecureString', Value: 'hidden' };
      response.end(
        JSON.stringify(
          found
            ? { Parameter: parameter }
            : { __type: input.Name === '/denied' ? 'AccessDeniedException' : 'ParameterNotFound', message: 'no' },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const environment = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S', AWS_ENDPOINT_URL_SSM: endpoint };
  try {
    await withHome(async (home) => {
      const { parameters } = configureServices(environment, home, 'eu-west-1');
      assert.deepEqual(await parameters?.('/secret', never), { value: 'hidden', secret: true });
      assert.deepEqual(asked, [['AmazonSSM.GetParameter', { Name: '/secret', WithDecryption: true }]]);
      assert.equal(await parameters?.('/none', never), undefined);
      await assert.rejects(async () => parameters?.('/denied', never), /AccessDenied/);
      await writeFile(join(home, 'parameters.json'), '{"/secret": "local"}', { mode: 0o600 });
      assert.deepEqual(await parameters?.('/secret', never), { value: 'local', secret: false });
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
