/** Against a simulated service that speaks Lambda's API: the client is AWS's own. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { AwsSettings } from '../../toe/services/aws-settings.ts';
import { BuildFailure } from '../../util/faults.ts';
import { silentMonitor } from '../../util/monitor.ts';
import { lambdaFunctions, noFunctions } from './lambda.ts';

interface Seen {
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

const seen: Seen[] = [];
let server: Server;
let settings: AwsSettings;
before(async () => {
  server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
  settings = { region: 'us-east-1', credentials, profile: undefined, endpoint: `http://127.0.0.1:${port}` };
});
after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const type = String(request.headers['x-amz-invocation-type']);
  seen.push({ path: request.url ?? '', type, body: Buffer.concat(chunks).toString() });
  if (request.url?.includes('/none/') === true) {
    response.writeHead(404, { 'x-amzn-errortype': 'ResourceNotFoundException', 'content-type': 'application/json' });
    response.end('{"Message":"Function not found"}');
  } else if (request.url?.includes('/bad/') === true) {
    response.writeHead(200, { 'x-amz-function-error': 'Unhandled' });
    response.end('{"errorMessage":"it broke"}');
  } else {
    response.writeHead(type === 'Event' ? 202 : 200);
    response.end(type === 'Event' ? '' : '{"n":2}');
  }
}

const context = { signal: new AbortController().signal, monitor: silentMonitor };

test('functions of a service are invoked asynchronously, and called where the answer is wanted', async () => {
  const functions = lambdaFunctions(settings);
  await functions.invoke('tell', '{"a":1}', context);
  assert.equal(await functions.call('tell', '{"n":1}', context), '{"n":2}');
  assert.deepEqual(
    seen.splice(0).map(({ path, type, body }) => [path, type, body]),
    [
      ['/2015-03-31/functions/tell/invocations', 'Event', '{"a":1}'],
      ['/2015-03-31/functions/tell/invocations', 'RequestResponse', '{"n":1}'],
    ],
  );
});

test('what the service refuses, and what a function failed with, is the failure of the step', async () => {
  const functions = lambdaFunctions(settings);
  await assert.rejects(functions.invoke('none', '{}', context), (error) => {
    assert.ok(error instanceof BuildFailure);
    assert.match(error.message, /'none' could not be invoked: ResourceNotFoundException: Function not found/);
    return true;
  });
  await assert.rejects(functions.call('bad', '{}', context), /'bad' failed: Unhandled: .*it broke/);
  await assert.rejects(noFunctions.invoke('f', '{}', context), /There is no function 'f'/);
});
