import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run as runProgram } from '../../util/spawn.ts';

const KILN = join(import.meta.dirname, '..', 'kiln.ts');
const VERSION = 'arn:aws:imagebuilder:eu-west-1:111122223333:component/x/1.0.0';

test('AWSTOE_IMAGEBUILDER_ENDPOINT is where components come from, the newest build for a version', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-toe-services-'));
  const step = { name: 'Say', action: 'ExecuteBash', inputs: { commands: ['echo from-the-endpoint'] } };
  const data = JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'build', steps: [step] }] });
  const signed: boolean[] = [];
  const asked: (string | null)[] = [];
  const server = createServer((request, response) => {
    signed.push(request.headers.authorization?.includes('Credential=AKIDEXAMPLE/') ?? false);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const builds = [9, 10, 2].map((build) => ({ arn: `${VERSION}/${build}` }));
    if (url.pathname === '/GetComponent') asked.push(url.searchParams.get('componentBuildVersionArn'));
    const answer = url.pathname === '/GetComponent' ? { component: { data } } : { componentSummaryList: builds };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const env = {
      PATH: process.env['PATH'] ?? '',
      KILN_HOME: join(folder, 'home'),
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWSTOE_IMAGEBUILDER_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    };
    for (const arn of [VERSION, `${VERSION}/3`]) {
      const { code, stderr } = await runProgram(process.execPath, [KILN, 'toe', 'run', '-d', arn], {
        cwd: folder,
        env,
      });
      assert.equal(code, 0, stderr.toString());
      assert.match(stderr.toString(), /from-the-endpoint/);
    }
    assert.deepEqual(asked, [`${VERSION}/10`, `${VERSION}/3`]);
    assert.equal(signed.every(Boolean), true);
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
