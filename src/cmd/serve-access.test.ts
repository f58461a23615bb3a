/** `kiln serve` with principals, endpoints and its audit trail, as a process and with AWS's client. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { CreateComponentCommand, ImagebuilderClient, ListComponentsCommand } from '@aws-sdk/client-imagebuilder';
import { audit } from './audit.ts';
import { openTestHome, type TestHome } from './command.fixture.ts';
import { readCredentials } from './credentials.ts';
import { environmentOf } from './environment.fixture.ts';
import { principal } from './principal.ts';

interface Serving extends AsyncDisposable {
  /** The first two addresses that it said. */
  readonly urls: readonly string[];
  readonly child: ChildProcess;
}

async function serve({ home }: TestHome, ...options: readonly string[]): Promise<Serving> {
  const argv = [join(import.meta.dirname, 'kiln.ts'), 'serve', '--port', '0', ...options];
  const child = spawn(process.execPath, argv, {
    env: { ...environmentOf(home.path), KILN_LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const urls: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    urls.push(line.replace('kiln listens on ', ''));
    if (urls.length === 2) break;
  }
  return {
    urls,
    child,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

test('a principal comes by TLS, does what it may, and everything is on record, also after a kill', async () => {
  await using home = await openTestHome();
  const policy = join(home.folder, 'policy.json');
  const create = { Effect: 'Allow', Action: ['imagebuilder:Create*', 'imagebuilder:List*'], Resource: '*' };
  await writeFile(policy, JSON.stringify({ Version: '2012-10-17', Statement: create }));
  const { stdout } = await home.run(principal, ['add', 'eve', '--policy', policy]);
  const [accessKeyId = '', secretAccessKey = ''] = [...stdout.matchAll(/='([^']+)'/g)].map(([, value]) => value);
  const data =
    'schemaVersion: 1.0\nphases: [{ name: build, steps: [{ name: a, action: ExecuteBash, inputs: { commands: [date] } }] }]';
  {
    await using serving = await serve(home, '--tls', '--listen', '127.0.0.1:0');
    const [endpoint = ''] = serving.urls;
    assert.match(endpoint, /^https:/);
    const ca = readFileSync(join(home.home.tls, 'certificate.pem'));
    const client = new ImagebuilderClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
      requestHandler: { httpsAgent: new Agent({ ca }) },
      maxAttempts: 1,
    });
    const component = { name: 'tool', semanticVersion: '1.0.0', platform: 'Linux', data } as const;
    await client.send(new CreateComponentCommand(component));
    await assert.rejects(client.send(new CreateComponentCommand({ ...component, tags: { a: 'b' } })), /TagResource/);
    await home.run(principal, ['rm', 'eve']);
    await assert.rejects(
      client.send(new ListComponentsCommand({})),
      /security token included in the request is invalid/,
    );
    serving.child.kill('SIGKILL');
    client.destroy();
  }
  const { stdout: lines } = await home.run(audit, []);
  assert.match(lines, /eve {2,}127\.0\.0\.1 {2,}CreateComponent {2}ok/);
  {
    await using serving = await serve(home, '--socket', join(home.folder, 'kiln.sock'));
    const [socket = '', url = ''] = serving.urls;
    assert.match(socket, /^unix:/);
    assert.equal((await fetch(`${url}/kiln/v1/health/ready`)).status, 200);
    const metrics = await (await fetch(`${url}/kiln/v1/metrics`)).text();
    assert.match(metrics, /^kiln_build_queue_length 0$/m);
  }
  const verified = await home.run(audit, ['verify']);
  assert.equal(verified.code, 0, verified.stderr);
  const text = (await home.run(audit, ['--json'])).stdout;
  const root = await readCredentials(home.home);
  for (const secret of [secretAccessKey, root?.secretAccessKey ?? '-', data]) assert.ok(!text.includes(secret));
});
