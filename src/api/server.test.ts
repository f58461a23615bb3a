import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as ImageBuilder from '@aws-sdk/client-imagebuilder';
import { AwsError } from '../contract/errors.ts';
import type { Caller, Operations } from '../contract/operations.ts';
import { apiFixture, CREDENTIAL } from './api.fixture.ts';

const ARN = 'arn:aws:imagebuilder:eu-north-7:123456789012:component/my-app/1.0.0/1';
const IMAGE_ARN = 'arn:aws:imagebuilder:eu-north-7:123456789012:image/my-app/1.0.0/1';

describe('the API, called by the AWS SDK', () => {
  it('is reached by all 77 operations, and refuses by name those that have no handler', async () => {
    await using fixture = apiFixture();
    const client = await fixture.client();
    const commands = Object.entries(ImageBuilder).filter(([name]) => /^[A-Z]\w+Command$/.test(name));
    assert.equal(commands.length, 77);
    for (const [name, Command] of commands) {
      const command = new (Command as typeof ImageBuilder.GetImageCommand)({ resourceArn: ARN } as never);
      const error: unknown = await client.send(command).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ImageBuilder.InvalidRequestException, name);
      assert.equal(error.message, `Kiln does not support the operation ${name.replace('Command', '')} yet.`);
    }
  });

  it('hands a handler the decoded input and who asked, and fills in the request id', async () => {
    const calls: { input: unknown; caller: Caller }[] = [];
    await using fixture = apiFixture({
      operations: {
        CreateComponent: async (input, caller) => {
          calls.push({ input, caller });
          return { clientToken: input.clientToken, componentBuildVersionArn: ARN };
        },
      },
    });
    const client = await fixture.client();
    const input = {
      name: 'My App',
      semanticVersion: '1.0.0',
      platform: 'Linux',
      data: 'ü\n',
      clientToken: 't',
    } as const;
    const output = await client.send(new ImageBuilder.CreateComponentCommand(input));
    assert.equal(output.componentBuildVersionArn, ARN);
    assert.match(output.requestId ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(output.requestId, output.$metadata.requestId);
    const { accountId, principalArn } = CREDENTIAL;
    const [{ caller: { context, ...caller } = {}, ...call } = {}] = calls;
    assert.deepEqual({ ...call, caller }, { input, caller: { accountId, principalArn, requestId: output.requestId } });
    assert.deepEqual(context?.get('aws:principalarn'), [principalArn]);
  });

  it('carries times both ways', async () => {
    let given: Date | undefined;
    const at = new Date('2026-09-09T19:30:21.183Z');
    await using fixture = apiFixture({
      operations: {
        StartResourceStateUpdate: async (input) => {
          given = input.updateAt;
          return { resourceArn: input.resourceArn };
        },
        GetImage: async () => ({ image: { dateCreated: at.toISOString(), deprecationTime: at } }),
      },
    });
    const client = await fixture.client();
    const state = { status: 'DEPRECATED' } as const;
    const update = { resourceArn: IMAGE_ARN, state, updateAt: at };
    await client.send(new ImageBuilder.StartResourceStateUpdateCommand(update));
    assert.deepEqual(given, at);
    const { image } = await client.send(new ImageBuilder.GetImageCommand({ imageBuildVersionArn: IMAGE_ARN }));
    assert.equal(image?.dateCreated, '2026-09-09T19:30:21.183Z');
    assert.deepEqual(image?.deprecationTime, at);
  });

  it('takes ARNs in the path and lists in the query', async () => {
    const tags = new Map<string, string>([['a b', 'old']]);
    const operations: Partial<Operations> = {
      TagResource: async (input) => {
        assert.equal(input.resourceArn, ARN);
        for (const [key, value] of Object.entries(input.tags)) tags.set(key, value);
        return {};
      },
      UntagResource: async (input) => {
        assert.equal(input.resourceArn, ARN);
        for (const key of input.tagKeys) tags.delete(key);
        return {};
      },
      ListTagsForResource: async () => ({ tags: Object.fromEntries(tags) }),
    };
    await using fixture = apiFixture({ operations });
    const client = await fixture.client();
    await client.send(new ImageBuilder.TagResourceCommand({ resourceArn: ARN, tags: { 'c+d': 'é', e: '' } }));
    await client.send(new ImageBuilder.UntagResourceCommand({ resourceArn: ARN, tagKeys: ['a b', 'c+d'] }));
    const left = await client.send(new ImageBuilder.ListTagsForResourceCommand({ resourceArn: ARN }));
    assert.deepEqual(left.tags, { e: '' });
  });

  it('answers errors that the SDK knows by type, status and text', async () => {
    await using fixture = apiFixture({
      operations: {
        GetImage: async () => {
          throw new AwsError('ResourceNotFoundException', 'It is gone.');
        },
        CreateImageRecipe: async (input) => {
          assert.equal(input.dryRun, true);
          throw new AwsError('DryRunOperationException', 'It would have worked.');
        },
      },
    });
    const client = await fixture.client();
    const get = new ImageBuilder.GetImageCommand({ imageBuildVersionArn: IMAGE_ARN });
    await assert.rejects(client.send(get), (error) => {
      assert.ok(error instanceof ImageBuilder.ResourceNotFoundException);
      assert.equal(error.message, 'It is gone.');
      assert.equal(error.$metadata.httpStatusCode, 404);
      assert.match(error.$metadata.requestId ?? '', /^[0-9a-f-]{36}$/);
      return true;
    });
    const invalid = new ImageBuilder.GetImageCommand({ imageBuildVersionArn: 'nope' });
    await assert.rejects(client.send(invalid), ImageBuilder.InvalidParameterValueException);
  });

  it('pages with the SDK paginator', async () => {
    await using fixture = apiFixture({
      operations: {
        ListImages: async (input) =>
          input.nextToken === undefined
            ? { imageVersionList: [{ name: 'one' }], nextToken: 'more' }
            : { imageVersionList: [{ name: 'two' }] },
      },
    });
    const client = await fixture.client();
    const names: (string | undefined)[] = [];
    for await (const page of ImageBuilder.paginateListImages({ client, pageSize: 1 }, { owner: 'Self' })) {
      names.push(...(page.imageVersionList ?? []).map(({ name }) => name));
    }
    assert.deepEqual(names, ['one', 'two']);
  });

  it('lets a client with a wrong clock correct it by our time', async () => {
    const hourAhead = { now: () => new Date(Date.now() + 3_600_000) };
    await using fixture = apiFixture({ clock: hourAhead, operations: { ListImages: async () => ({}) } });
    const client = await fixture.client(2);
    const { $metadata } = await client.send(new ImageBuilder.ListImagesCommand({}));
    assert.equal($metadata.attempts, 2);
  });
});
