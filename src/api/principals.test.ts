import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as ImageBuilder from '@aws-sdk/client-imagebuilder';
import { AwsError } from '../contract/errors.ts';
import { parsePolicy } from '../iam/parse-policy.ts';
import { type ApiFixture, apiFixture, CREDENTIAL, REGION, signedRequest } from './api.fixture.ts';
import type { KnownCredential } from './auth/credentials.ts';
import type { ApiOptions } from './server.ts';

const PREFIX = `arn:aws:imagebuilder:${REGION}:${CREDENTIAL.accountId}:`;
const KEYS = { accessKeyId: 'AKIAEVE0000000000001', secretAccessKey: 'another-secret-for-tests' };
const URL = 'http://127.0.0.1:4000';

const NOTHING = { Effect: 'Deny', Action: '*', Resource: '*' };

/** Eve, who may do what the statements say. */
function eve(statements: readonly object[]): KnownCredential {
  return {
    ...KEYS,
    accountId: CREDENTIAL.accountId,
    principalArn: `arn:aws:iam::${CREDENTIAL.accountId}:user/eve`,
    userId: 'AIDAEVE0000000000001',
    userName: 'eve',
    policy: parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }), 'policy.json', 'identity'),
  };
}

function fixtureFor(statements: readonly object[], options: Partial<ApiOptions> = {}): ApiFixture {
  const known = [CREDENTIAL, eve(statements)];
  return apiFixture({
    findCredential: (id) => known.find(({ accessKeyId }) => accessKeyId === id),
    operations: {
      ListImages: async () => ({ imageVersionList: [] }),
      GetImage: async () => ({}),
      DeleteImage: async () => ({}),
      CreateInfrastructureConfiguration: async () => ({ infrastructureConfigurationArn: `${PREFIX}x` }),
    },
    ...options,
  });
}

async function clientFor(fixture: ApiFixture, maxAttempts = 1) {
  const { url } = await fixture.listen();
  const client = new ImageBuilder.ImagebuilderClient({
    endpoint: url,
    region: REGION,
    credentials: KEYS,
    maxAttempts,
  });
  return { client, [Symbol.asyncDispose]: async () => client.destroy() };
}

const image = (name: string) => ({ imageBuildVersionArn: `${PREFIX}image/${name}/1.0.0/1` });

describe('a principal', () => {
  it('may do what its policy allows, and is told in AWS words what it does not', async () => {
    const statement = { Effect: 'Allow', Action: 'imagebuilder:GetImage', Resource: `${PREFIX}image/web/*` };
    await using fixture = fixtureFor([statement]);
    await using eve = await clientFor(fixture);
    await eve.client.send(new ImageBuilder.GetImageCommand(image('web')));
    await assert.rejects(eve.client.send(new ImageBuilder.GetImageCommand(image('db'))), (error: Error) => {
      assert.equal(error.name, 'AccessDeniedException');
      assert.equal((error as ImageBuilder.AccessDeniedException).$metadata.httpStatusCode, 403);
      assert.equal(
        error.message,
        `User: arn:aws:iam::123456789012:user/eve is not authorized to perform: imagebuilder:GetImage on resource: ` +
          `${PREFIX}image/db/1.0.0/1 because no identity-based policy allows the imagebuilder:GetImage action`,
      );
      return true;
    });
    await assert.rejects(eve.client.send(new ImageBuilder.ListImagesCommand({})), /ListImages on resource: \*/);
  });

  it('is told of an explicit deny as such', async () => {
    const all = { Effect: 'Allow', Action: '*', Resource: '*' };
    await using fixture = fixtureFor([all, { Effect: 'Deny', Action: 'imagebuilder:Delete*', Resource: '*' }]);
    await using eve = await clientFor(fixture);
    const denied = eve.client.send(new ImageBuilder.DeleteImageCommand(image('web')));
    await assert.rejects(denied, /with an explicit deny in an identity-based policy$/);
  });

  it('must be allowed the further actions of an operation, and its conditions must hold', async () => {
    const create = { Effect: 'Allow', Action: 'imagebuilder:CreateInfrastructureConfiguration', Resource: '*' };
    const pass = {
      Effect: 'Allow',
      Action: ['iam:PassRole', 'iam:GetInstanceProfile'],
      Resource: '*',
      Condition: { StringEqualsIfExists: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    };
    const input = { name: 'small', instanceProfileName: 'builder' };
    const command = (more = {}) => new ImageBuilder.CreateInfrastructureConfigurationCommand({ ...input, ...more });
    {
      await using fixture = fixtureFor([create]);
      await using eve = await clientFor(fixture);
      await assert.rejects(eve.client.send(command()), /perform: iam:GetInstanceProfile on resource: .*\/builder /);
    }
    const required = { StringEquals: { 'imagebuilder:Ec2MetadataHttpTokens': 'required' } };
    await using fixture = fixtureFor([{ ...create, Condition: required }, pass]);
    await using eve = await clientFor(fixture);
    await assert.rejects(eve.client.send(command()), /CreateInfrastructureConfiguration on resource/);
    const safe = { instanceMetadataOptions: { httpTokens: 'required' } };
    await eve.client.send(command(safe));
    await assert.rejects(eve.client.send(command({ ...safe, tags: { a: 'b' } })), /perform: imagebuilder:TagResource/);
  });

  it('may be allowed by the tags of a resource', async () => {
    const own = { StringEquals: { 'aws:ResourceTag/owner': '${aws:username}' } };
    const statement = { Effect: 'Allow', Action: 'imagebuilder:GetImage', Resource: '*', Condition: own };
    const findTags = async (arn: string) => (arn.includes('/web/') ? { Owner: 'eve' } : { owner: 'bob' });
    await using fixture = fixtureFor([statement], { findTags });
    await using eve = await clientFor(fixture);
    await eve.client.send(new ImageBuilder.GetImageCommand(image('web')));
    await assert.rejects(eve.client.send(new ImageBuilder.GetImageCommand(image('db'))), /not authorized/);
  });

  it('needs GetImage to follow a build, and kiln:GetMetrics for metrics from elsewhere', async () => {
    await using fixture = fixtureFor([{ Effect: 'Allow', Action: 'imagebuilder:ListImages', Resource: '*' }]);
    const far = { address: '10.1.2.3', tls: true, endpointPolicy: undefined };
    const ask = async (path: string) => {
      const response = await fixture.api.fetch(await signedRequest(URL + path, KEYS), far);
      const { message } = (await response.json()) as { message: string };
      return `${response.status} ${message}`;
    };
    const arn = encodeURIComponent(image('web').imageBuildVersionArn);
    assert.match(await ask(`/kiln/v1/follow?imageBuildVersionArn=${arn}`), /^403 .*imagebuilder:GetImage/);
    assert.match(await ask('/kiln/v1/metrics'), /^403 .*kiln:GetMetrics/);
  });

  it('is held back when it asks too often, and the SDK then gets through', async () => {
    let now = Date.now();
    const clock = { now: () => new Date(now) };
    const list = { Effect: 'Allow', Action: '*', Resource: '*' };
    await using fixture = fixtureFor([list], { requestRate: { perSecond: 1, burst: 2 }, clock });
    {
      await using eve = await clientFor(fixture);
      for (let request = 0; request < 2; request++) await eve.client.send(new ImageBuilder.ListImagesCommand({}));
      await assert.rejects(eve.client.send(new ImageBuilder.ListImagesCommand({})), (error: Error) => {
        assert.equal(error.name, 'TooManyRequestsException');
        assert.equal((error as ImageBuilder.TooManyRequestsException).$metadata.httpStatusCode, 429);
        return true;
      });
      const response = await fixture.api.fetch(
        await signedRequest(`${URL}/ListImages`, { ...KEYS, method: 'POST', body: '{}', at: new Date(now) }),
      );
      assert.equal(response.headers.get('retry-after'), '1');
    }
    const root = await fixture.client();
    for (let request = 0; request < 5; request++) await root.send(new ImageBuilder.ListImagesCommand({}));
    await using patient = await clientFor(fixture, 3);
    patient.client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args).catch((error: unknown) => {
          // While the SDK waits, time goes on for the service too.
          now += 1_000;
          throw error;
        });
        return result;
      },
      { step: 'deserialize', priority: 'high' },
    );
    const { $metadata } = await patient.client.send(new ImageBuilder.ListImagesCommand({}));
    assert.equal($metadata.attempts, 2);
  });

  it('is bound by the policy of the endpoint that it comes by, and so is the root', async () => {
    await using fixture = fixtureFor([{ Effect: 'Allow', Action: '*', Resource: '*' }]);
    const only = { Effect: 'Allow', Principal: '*', Action: 'imagebuilder:List*', Resource: '*' };
    const policy = parsePolicy(JSON.stringify({ Statement: only }), 'endpoint.json', 'endpoint');
    const peer = { address: '10.1.2.3', tls: true, endpointPolicy: policy };
    for (const keys of [KEYS, CREDENTIAL]) {
      const { accessKeyId, secretAccessKey } = keys;
      const list = await signedRequest(`${URL}/ListImages`, {
        accessKeyId,
        secretAccessKey,
        method: 'POST',
        body: '{}',
      });
      assert.equal((await fixture.api.fetch(list, peer)).status, 200);
      const query = new URLSearchParams(image('web'));
      const get = await signedRequest(`${URL}/GetImage?${query}`, { accessKeyId, secretAccessKey });
      const denied = await fixture.api.fetch(get, peer);
      assert.equal(denied.status, 403);
      assert.match(await denied.text(), /because no VPC endpoint policy allows the imagebuilder:GetImage action/);
    }
  });
});

describe('who asks STS', () => {
  const sts = (body: string, options: object = {}) =>
    signedRequest(`${URL}/`, {
      ...KEYS,
      service: 'sts',
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      ...options,
    });
  const identity = 'Action=GetCallerIdentity&Version=2011-06-15';

  it('is told who it is, needing no permission', async () => {
    await using fixture = fixtureFor([{ Effect: 'Deny', Action: '*', Resource: '*' }]);
    for (const region of [REGION, 'us-east-1']) {
      const answer = await fixture.api.fetch(await sts(identity, { region }));
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), 'text/xml');
      const text = await answer.text();
      assert.match(text, /<Arn>arn:aws:iam::123456789012:user\/eve<\/Arn>/);
      assert.match(text, /<UserId>AIDAEVE0000000000001<\/UserId><Account>123456789012<\/Account>/);
    }
    const get = `${URL}/?${identity}`;
    assert.equal((await fixture.api.fetch(await signedRequest(get, { ...KEYS, service: 'sts' }))).status, 200);
    assert.equal(fixture.trail[0]?.eventName, 'GetCallerIdentity');
  });

  it('is refused other actions by name, and bad signatures as STS does', async () => {
    await using fixture = fixtureFor([NOTHING]);
    const other = await fixture.api.fetch(await sts('Action=AssumeRole&Version=2011-06-15'));
    assert.equal(other.status, 400);
    assert.match(await other.text(), /<Code>InvalidAction<\/Code><Message>.*AssumeRole.*<\/Message>/);
    const stranger = await fixture.api.fetch(await sts(identity, { accessKeyId: 'AKIASTRANGER' }));
    assert.equal(stranger.status, 403);
    assert.match(await stranger.text(), /<Code>InvalidClientTokenId<\/Code>/);
    const session = await fixture.api.fetch(await sts(identity, { sessionToken: 'token' }));
    assert.match(await session.text(), /<Code>InvalidClientTokenId<\/Code>/);
    const forged = await fixture.api.fetch(await sts(identity, { secretAccessKey: 'guessed' }));
    assert.match(await forged.text(), /<Code>SignatureDoesNotMatch<\/Code>/);
    const hostile = await fixture.api.fetch(await sts('Action=%3Cx%3E'));
    assert.match(await hostile.text(), /&lt;x&gt;/);
    const metrics = await fixture.api.fetch(new Request(`${URL}/kiln/v1/metrics`));
    assert.ok(!(await metrics.text()).includes('AssumeRole'), 'callers do not make up labels');
  });
});

describe('the audit trail', () => {
  it('has every call, whatever became of it, before a change is acknowledged', async () => {
    const appended: { eventName: string; durable: boolean }[] = [];
    let write: () => void = () => {};
    const trail = {
      failure: () => undefined,
      append: (record: object, durable: boolean) => {
        appended.push({ eventName: String((record as { eventName: unknown }).eventName), durable });
        return durable ? new Promise<void>((resolve) => (write = resolve)) : Promise.resolve();
      },
    };
    await using fixture = fixtureFor([{ Effect: 'Allow', Action: '*', Resource: '*' }], { trail });
    const query = new URLSearchParams(image('web'));
    const get = await fixture.api.fetch(await signedRequest(`${URL}/GetImage?${query}`, KEYS));
    assert.equal(get.status, 200);
    let answered = false;
    const answer = fixture.api.fetch(await signedRequest(`${URL}/DeleteImage?${query}`, { ...KEYS, method: 'DELETE' }));
    void answer.then(() => (answered = true));
    while (appended.length < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(answered, false);
    write();
    assert.equal((await answer).status, 200);
    assert.deepEqual(appended, [
      { eventName: 'GetImage', durable: false },
      { eventName: 'DeleteImage', durable: true },
    ]);
  });

  it('says who, what, whence and how it ended', async () => {
    await using fixture = fixtureFor([{ Effect: 'Allow', Action: 'imagebuilder:DeleteImage', Resource: '*' }]);
    const query = new URLSearchParams(image('web'));
    const sign = { ...KEYS, method: 'DELETE', headers: { 'user-agent': 'tests/1.0' } };
    const answer = await fixture.api.fetch(await signedRequest(`${URL}/DeleteImage?${query}`, sign));
    await fixture.api.fetch(await signedRequest(`${URL}/ListImages`, { ...KEYS, method: 'POST', body: '{}' }));
    await fixture.api.fetch(
      await signedRequest(`${URL}/ListImages`, { ...KEYS, secretAccessKey: 'guessed', method: 'POST' }),
    );
    await fixture.api.fetch(new Request(`${URL}/ListImages`, { method: 'POST' }));
    const [done, denied, forged, unsigned] = fixture.trail;
    assert.ok(done !== undefined);
    const { eventTime, eventID, ...told } = done as Record<string, unknown>;
    assert.match(String(eventTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(String(eventID), /^[0-9a-f-]{36}$/);
    const requestID = answer.headers.get('x-amzn-requestid');
    assert.deepEqual(told, {
      eventVersion: '1.11',
      userIdentity: {
        type: 'IAMUser',
        principalId: 'AIDAEVE0000000000001',
        arn: 'arn:aws:iam::123456789012:user/eve',
        accountId: '123456789012',
        accessKeyId: KEYS.accessKeyId,
        userName: 'eve',
      },
      eventSource: 'imagebuilder.amazonaws.com',
      eventName: 'DeleteImage',
      awsRegion: REGION,
      sourceIPAddress: '127.0.0.1',
      userAgent: 'tests/1.0',
      requestParameters: image('web'),
      responseElements: { requestId: requestID },
      requestID,
      readOnly: false,
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: '123456789012',
      eventCategory: 'Management',
    });
    assert.deepEqual([denied?.eventName, denied?.errorCode], ['ListImages', 'AccessDeniedException']);
    assert.deepEqual(
      [forged?.userIdentity, forged?.errorCode],
      [{ type: 'Unknown', accessKeyId: KEYS.accessKeyId }, 'InvalidSignatureException'],
    );
    assert.equal(unsigned?.errorCode, 'MissingAuthenticationTokenException');
  });

  it('keeps documents by their hash, and neither secrets nor what is too large', async () => {
    await using fixture = fixtureFor([NOTHING]);
    const body = JSON.stringify({
      name: 'c',
      data: 'phases: very secret',
      additionalInstanceConfiguration: { userDataOverride: 'cGFzc3dvcmQ=' },
      description: 'x'.repeat(5_000),
    });
    await fixture.api.fetch(await signedRequest(`${URL}/GetImage`, { ...KEYS, method: 'GET' }));
    const root = { accessKeyId: CREDENTIAL.accessKeyId, secretAccessKey: CREDENTIAL.secretAccessKey, method: 'PUT' };
    const path = `${URL}/CreateInfrastructureConfiguration`;
    await fixture.api.fetch(await signedRequest(path, { ...root, body }));
    const large = JSON.stringify({ list: Array.from({ length: 500 }, () => 'y'.repeat(500)) });
    await fixture.api.fetch(await signedRequest(path, { ...root, body: large }));
    const text = JSON.stringify(fixture.trail);
    assert.ok(!text.includes('very secret') && !text.includes('cGFzc3dvcmQ='));
    const [, told, omitted] = fixture.trail.map(
      ({ requestParameters }) => requestParameters as Record<string, unknown>,
    );
    assert.match(String(told?.['data']), /^19 characters, sha256 [0-9a-f]{64}$/);
    assert.deepEqual(told?.['additionalInstanceConfiguration'], { userDataOverride: 'HIDDEN_DUE_TO_SECURITY_REASONS' });
    assert.match(String(told?.['description']), /^x{1024}… \(5000 characters\)$/);
    assert.equal(omitted?.['omitted'], true);
  });

  it('is not filled by strangers, but counts them', async () => {
    let now = Date.now();
    await using fixture = fixtureFor([NOTHING], { clock: { now: () => new Date(now) } });
    for (let call = 0; call < 150; call++) await fixture.api.fetch(new Request(`${URL}/ListImages`));
    assert.equal(fixture.trail.length, 100);
    now += 1_000;
    await fixture.api.fetch(new Request(`${URL}/ListImages`));
    assert.deepEqual(fixture.trail.at(-1)?.['additionalEventData'], { unauthenticatedCallsLeftOut: 50 });
  });

  it('that cannot be written lets nothing happen', async () => {
    let failure: Error | undefined = new Error('no space left');
    let called = 0;
    const trail = {
      failure: () => failure,
      append: async (_record: object, durable: boolean) => {
        if (durable) throw new AwsError('ServiceException', 'not told');
      },
    };
    const operations = {
      DeleteImage: async () => {
        called++;
        return {};
      },
    };
    await using fixture = fixtureFor([{ Effect: 'Allow', Action: '*', Resource: '*' }], { trail, operations });
    const query = new URLSearchParams(image('web'));
    const remove = async () =>
      fixture.api.fetch(await signedRequest(`${URL}/DeleteImage?${query}`, { ...KEYS, method: 'DELETE' }));
    const refused = await remove();
    assert.deepEqual([refused.status, refused.headers.get('retry-after'), called], [503, '5', 0]);
    failure = undefined;
    assert.equal((await remove()).status, 503, 'a change that is not on record is not acknowledged');
    assert.equal(called, 1);
  });
});
