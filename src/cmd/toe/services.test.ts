import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { simulateImds } from '../../toe/services/simulated-imds.fixture.ts';
import { bash, document, toeWith } from './toe.fixture.ts';

const VERSION = 'arn:aws:imagebuilder:eu-west-1:111122223333:component/x/1.0.0';

test('AWSTOE_IMAGEBUILDER_ENDPOINT is where components come from, the newest build for a version', async () => {
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
    const toe = toeWith({
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWSTOE_IMAGEBUILDER_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    for (const arn of [VERSION, `${VERSION}/3`]) {
      const { code, stderr } = await toe('run', '-d', arn);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /from-the-endpoint/);
    }
    assert.deepEqual(asked, [`${VERSION}/10`, `${VERSION}/3`]);
    assert.equal(signed.every(Boolean), true);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('instance metadata, Region and account come from the metadata service (simulated) of the machine', async () => {
  await using imds = await simulateImds({
    'placement/region': 'eu-north-1',
    'identity-credentials/ec2/info': '{ "Code" : "Success", "AccountId" : "111122223333" }',
  });
  const say = 'echo {{ aws:imds:placement/region }} {{ context:region }} {{ context:accountId }}';
  const file = await document('imds.yaml', bash('Say', say));
  const found = await toeWith({ AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url })('run', '-d', file);
  assert.match(found.stderr, /eu-north-1 eu-north-1 111122223333\n/);
  const gone = await toeWith({ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' })('run', '-d', file);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /\{\{ aws:imds:placement\/region \}\}: no instance metadata service answers at/);
  const told = await document('told.yaml', bash('Say', 'echo {{ context:region }} {{ context:accountId }}'));
  const known = { KILN_REGION: 'us-west-2', KILN_ACCOUNT_ID: '444455556666', AWS_EC2_METADATA_DISABLED: 'true' };
  assert.match((await toeWith(known)('run', '-d', told)).stderr, /us-west-2 444455556666\n/);
  const unknown = await toeWith({ AWS_EC2_METADATA_DISABLED: 'true' })('run', '-d', told);
  assert.match(unknown.stderr, /the Region of this machine is not known: set KILN_REGION or AWS_REGION/);
});
