import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { BuilderFault } from '../util/faults.ts';
import { apiFixture, CREDENTIAL, LOOPBACK, REGION, signedRequest } from './api.fixture.ts';

const SERVICE = { version: '0.1.0', accountId: CREDENTIAL.accountId, region: REGION, pid: 1, home: '/tmp/kiln-test' };

/** So long that a test which needs it never ends. */
const NO_GRACE_NEEDED_MS = 3_600_000;
const PATIENT = { ...LOOPBACK, limits: { graceMs: NO_GRACE_NEEDED_MS } };

describe('the listening API', () => {
  it('is there for this machine only', async () => {
    await using fixture = apiFixture();
    const { url } = await fixture.listen();
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('says so when the port is taken', async () => {
    await using fixture = apiFixture();
    const port = Number(new URL((await fixture.listen()).url).port);
    await assert.rejects(apiFixture().api.listen({ place: { host: '127.0.0.1', port } }), (error) => {
      assert.ok(error instanceof BuilderFault);
      assert.match(error.message, new RegExp(`Port ${port} is in use`));
      return true;
    });
  });

  it('closes at once although connections are kept alive, twice if asked', async () => {
    await using fixture = apiFixture();
    const listening = await fixture.api.listen(PATIENT);
    const agent = new Agent({ keepAlive: true });
    const signed = await signedRequest(`${listening.url}/kiln/v1/service`);
    const request = get(signed.url, { headers: Object.fromEntries(signed.headers), agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    for await (const _ of response);
    const silent = connect(Number(new URL(listening.url).port), '127.0.0.1');
    await once(silent, 'connect');
    await Promise.all([listening.close(), listening.close()]);
    await assert.rejects(fetch(signed.url));
    agent.destroy();
    silent.destroy();
  });

  it('lets a request that is being answered end before it closes', async () => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    await using fixture = apiFixture({
      operations: {
        ListImages: async () => {
          begun.resolve();
          await goOn.promise;
          return { imageVersionList: [] };
        },
      },
    });
    const listening = await fixture.api.listen(PATIENT);
    const answer = fetch(await signedRequest(`${listening.url}/ListImages`, { method: 'POST' }));
    await begun.promise;
    const closed = listening.close();
    goOn.resolve();
    assert.equal((await answer).status, 200);
    await (await answer).text();
    await closed;
  });

  it('breaks streams off when it closes', async () => {
    await using fixture = apiFixture({
      kiln: {
        service: SERVICE,
        follow: async function* (_arn, { signal }) {
          yield { kind: 'image', at: '2026-11-23T03:32:00.000Z', status: 'BUILDING' } as const;
          await once(signal, 'abort');
        },
      },
    });
    const listening = await fixture.api.listen(PATIENT);
    const signed = await signedRequest(`${listening.url}/kiln/v1/follow?imageBuildVersionArn=a&follow=true`);
    const request = get(signed.url, { headers: Object.fromEntries(signed.headers), agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'data');
    const broken = once(response, 'error');
    await listening.close();
    assert.match(String((await broken)[0]), /aborted/);
  });
});
