/** CloudWatch Logs by AWS's own clients: the SDK and the AWS CLI. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  PutLogEventsCommand,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { apiFixture, CREDENTIAL, REGION } from '../../src/api/api.fixture.ts';
import { rootCredential } from '../../src/api/auth/credentials.ts';
import { parsePolicy } from '../../src/iam/parse-policy.ts';
import { logOperations } from '../../src/resources/logs/log-operations.ts';
import { openLog } from '../../src/state/log-events.ts';
import type { Store } from '../../src/state/open-store.ts';
import { openTestStore } from '../../src/state/test-store.ts';
import { run } from '../../src/util/spawn.ts';

const GROUP = '/aws/imagebuilder/web';
const PIPELINE = '/aws/imagebuilder/pipeline/nightly';
const START = Date.parse('2026-11-23T10:00:00Z');

/** 25 lines of one build, 3 of another, one of a pipeline, and one of another account. */
async function serveLogs(store: Store) {
  const write = async (group: string, stream: string, lines: readonly string[], account = CREDENTIAL.accountId) => {
    await using log = openLog(store.db, `${account}:${group}`, stream);
    for (const [index, message] of lines.entries()) {
      log.append({ at: new Date(START + index * 1_000), source: 'stdout', message });
    }
  };
  await write(
    GROUP,
    '1.0.0/1',
    Array.from({ length: 25 }, (_, index) => `line ${index + 1}${index === 9 ? ' ERROR disk' : ''}`),
  );
  await write(GROUP, '1.0.0/2', ['one', 'ERROR network', 'three']);
  await write(PIPELINE, '2026/11/23', ['Execution started']);
  await write(GROUP, '9.9.9/1', ['not yours'], '999999999999');
  const nobody = rootCredential({
    accessKeyId: 'AKIAKILNTEST00000002',
    secretAccessKey: 'x'.repeat(40),
    accountId: CREDENTIAL.accountId,
  });
  const reader = {
    ...nobody,
    userName: 'reader',
    principalArn: `arn:aws:iam::${CREDENTIAL.accountId}:user/reader`,
    policy: parsePolicy(
      JSON.stringify({
        Version: '2012-10-17',
        Statement: {
          Effect: 'Allow',
          Action: 'logs:FilterLogEvents',
          Resource: `arn:aws:logs:*:*:log-group:${GROUP}:*`,
        },
      }),
      'test',
      'identity',
    ),
  };
  const fixture = apiFixture({
    logs: logOperations({ db: store.db, region: REGION }),
    findCredential: (id) => [CREDENTIAL, reader].find(({ accessKeyId }) => accessKeyId === id),
  });
  const { url } = await fixture.listen();
  const clientOf = ({ accessKeyId, secretAccessKey }: typeof CREDENTIAL) =>
    new CloudWatchLogsClient({
      endpoint: url,
      region: REGION,
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: 1,
    });
  return { fixture, url, client: clientOf(CREDENTIAL), reader: clientOf(reader) };
}

const messages = (events: readonly { message?: string | undefined }[] = []) => events.map(({ message }) => message);

describe('CloudWatch Logs', () => {
  it('lists groups and streams page by page', async () => {
    await using store = await openTestStore();
    const { fixture, client } = await serveLogs(store);
    await using _ = fixture;
    const { logGroups } = await client.send(new DescribeLogGroupsCommand({}));
    assert.deepEqual(
      logGroups?.map(({ logGroupName, arn, creationTime }) => [logGroupName, arn, creationTime]),
      [PIPELINE, GROUP].map((name) => [
        name,
        `arn:aws:logs:${REGION}:${CREDENTIAL.accountId}:log-group:${name}:*`,
        START,
      ]),
    );
    const first = await client.send(new DescribeLogGroupsCommand({ limit: 1 }));
    assert.deepEqual(
      first.logGroups?.map(({ logGroupName }) => logGroupName),
      [PIPELINE],
    );
    const second = await client.send(new DescribeLogGroupsCommand({ limit: 1, nextToken: first.nextToken }));
    assert.deepEqual(
      second.logGroups?.map(({ logGroupName }) => logGroupName),
      [GROUP],
    );
    assert.equal(second.nextToken, undefined);
    const some = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/aws/imagebuilder/p' }));
    assert.deepEqual(
      some.logGroups?.map(({ logGroupName }) => logGroupName),
      [PIPELINE],
    );
    const like = await client.send(new DescribeLogGroupsCommand({ logGroupNamePattern: 'WEB' }));
    assert.deepEqual(
      like.logGroups?.map(({ logGroupName }) => logGroupName),
      [GROUP],
    );

    const { logStreams } = await client.send(new DescribeLogStreamsCommand({ logGroupName: GROUP }));
    assert.deepEqual(
      logStreams?.map(({ logStreamName, firstEventTimestamp, lastEventTimestamp }) => [
        logStreamName,
        (firstEventTimestamp ?? 0) - START,
        (lastEventTimestamp ?? 0) - START,
      ]),
      [
        ['1.0.0/1', 0, 24_000],
        ['1.0.0/2', 0, 2_000],
      ],
    );
    const latest = {
      logGroupIdentifier: `arn:aws:logs:${REGION}:${CREDENTIAL.accountId}:log-group:${GROUP}`,
      limit: 1,
    };
    const byTime = new DescribeLogStreamsCommand({ ...latest, orderBy: 'LastEventTime', descending: true });
    const page = await client.send(byTime);
    assert.deepEqual(
      page.logStreams?.map(({ logStreamName }) => logStreamName),
      ['1.0.0/1'],
    );
    const next = new DescribeLogStreamsCommand({
      ...latest,
      orderBy: 'LastEventTime',
      descending: true,
      nextToken: page.nextToken,
    });
    assert.deepEqual(
      (await client.send(next)).logStreams?.map(({ logStreamName }) => logStreamName),
      ['1.0.0/2'],
    );
  });

  it('reads a stream in both directions, and says where its end is', async () => {
    await using store = await openTestStore();
    const { fixture, client } = await serveLogs(store);
    await using _ = fixture;
    const stream = { logGroupName: GROUP, logStreamName: '1.0.0/1', limit: 10 };
    const get = (more: object) => client.send(new GetLogEventsCommand({ ...stream, ...more }));
    const latest = await get({});
    assert.equal(messages(latest.events)[0], 'line 16');
    assert.equal(messages(latest.events).at(-1), 'line 25');
    const earlier = await get({ nextToken: latest.nextBackwardToken });
    assert.deepEqual([messages(earlier.events)[0], messages(earlier.events).length], ['line 6', 10]);
    const again = await get({ nextToken: earlier.nextForwardToken });
    assert.deepEqual(messages(again.events), messages(latest.events));
    const end = await get({ nextToken: latest.nextForwardToken });
    assert.deepEqual([end.events, end.nextForwardToken], [[], latest.nextForwardToken]);

    const seen: unknown[] = [];
    for (let nextToken: string | undefined; ; ) {
      const page = await get({ startFromHead: true, nextToken });
      seen.push(...messages(page.events));
      if (page.nextForwardToken === nextToken) break;
      nextToken = page.nextForwardToken;
    }
    assert.equal(seen.length, 25);
    const some = await get({ startFromHead: true, startTime: START + 1_000, endTime: START + 3_000 });
    assert.deepEqual(messages(some.events), ['line 2', 'line 3']);
  });

  it('answers about a megabyte at a time', async () => {
    await using store = await openTestStore();
    const { fixture, client } = await serveLogs(store);
    await using _ = fixture;
    await using log = openLog(store.db, `${CREDENTIAL.accountId}:${GROUP}`, '2.0.0/1');
    for (let line = 0; line < 12; line += 1) {
      log.append({ at: new Date(START), source: 'stdout', message: `${line} ${'x'.repeat(200_000)}` });
    }
    await log.flush();
    const stream = { logGroupName: GROUP, logStreamName: '2.0.0/1', startFromHead: true };
    const sizes: number[] = [];
    for (let nextToken: string | undefined; ; ) {
      const page = await client.send(new GetLogEventsCommand({ ...stream, nextToken }));
      if (page.nextForwardToken === nextToken) break;
      sizes.push(page.events?.length ?? 0);
      nextToken = page.nextForwardToken;
    }
    assert.deepEqual(sizes, [5, 5, 2]);
    const pages = paginateFilterLogEvents({ client }, { logGroupName: GROUP, logStreamNames: ['2.0.0/1'] });
    let found = 0;
    for await (const { events = [] } of pages) {
      assert.ok(events.length <= 6);
      found += events.length;
    }
    assert.equal(found, 12);
  });

  it('filters the lines of a group by time, stream and pattern', async () => {
    await using store = await openTestStore();
    const { fixture, client } = await serveLogs(store);
    await using _ = fixture;
    const filter = async (more: object) =>
      messages((await client.send(new FilterLogEventsCommand({ logGroupName: GROUP, ...more }))).events);
    assert.deepEqual(await filter({ filterPattern: 'ERROR' }), ['ERROR network', 'line 10 ERROR disk']);
    assert.deepEqual(await filter({ filterPattern: 'ERROR -disk' }), ['ERROR network']);
    assert.deepEqual(await filter({ filterPattern: '?three ?"ERROR disk"' }), ['three', 'line 10 ERROR disk']);
    assert.deepEqual(await filter({ filterPattern: '%line 2[0-1]%' }), ['line 20', 'line 21']);
    assert.deepEqual(await filter({ logStreamNames: ['1.0.0/2'] }), ['one', 'ERROR network', 'three']);
    assert.deepEqual(await filter({ logStreamNamePrefix: '1.0.0/2', startTime: START + 1_000 }), [
      'ERROR network',
      'three',
    ]);
    assert.deepEqual(await filter({ endTime: START, filterPattern: '' }), ['line 1', 'one']);
    const pages = paginateFilterLogEvents({ client, pageSize: 4 }, { logGroupName: GROUP });
    const found: string[] = [];
    const ids = new Set<string>();
    for await (const page of pages) {
      assert.ok((page.events ?? []).length <= 4);
      for (const { message = '', eventId = '' } of page.events ?? []) {
        found.push(message);
        ids.add(eventId);
      }
    }
    assert.deepEqual([found.length, ids.size], [28, 28]);
    assert.deepEqual(found.slice(0, 4), ['line 1', 'one', 'line 2', 'ERROR network']);
  });

  it('refuses as AWS does what is not there, not allowed or not understood', async () => {
    await using store = await openTestStore();
    const { fixture, client, reader } = await serveLogs(store);
    await using _ = fixture;
    const gone = { name: 'ResourceNotFoundException' };
    await assert.rejects(client.send(new DescribeLogStreamsCommand({ logGroupName: '/none' })), {
      ...gone,
      message: 'The specified log group does not exist.',
    });
    await assert.rejects(client.send(new GetLogEventsCommand({ logGroupName: GROUP, logStreamName: '9.9.9/1' })), {
      ...gone,
      message: 'The specified log stream does not exist.',
    });
    await assert.rejects(client.send(new FilterLogEventsCommand({ logGroupName: '/none' })), gone);
    const noStream = new FilterLogEventsCommand({ logGroupName: GROUP, logStreamNames: ['2.0.0/1', 'none'] });
    await assert.rejects(client.send(noStream), { ...gone, message: 'The specified log stream does not exist.' });
    const invalid = { name: 'InvalidParameterException' };
    for (const filterPattern of ['{ $.level = "error" }', '[ip, user]', '"open', '%(%']) {
      await assert.rejects(
        client.send(new FilterLogEventsCommand({ logGroupName: GROUP, filterPattern })),
        invalid,
        filterPattern,
      );
    }
    const token = { logGroupName: GROUP, logStreamName: '1.0.0/1', nextToken: 'x/1' };
    await assert.rejects(client.send(new GetLogEventsCommand(token)), invalid);
    await assert.rejects(client.send(new GetLogEventsCommand({ ...token, nextToken: undefined, limit: 10_001 })), {
      ...invalid,
      message: /'limit' must be a whole number from 1 to 10000/,
    });
    await assert.rejects(client.send(new GetLogEventsCommand({ ...token, nextToken: undefined, unmask: true })), {
      ...invalid,
      message: /'unmask'/,
    });
    await assert.rejects(
      client.send(
        new PutLogEventsCommand({
          logGroupName: GROUP,
          logStreamName: 'a',
          logEvents: [{ timestamp: 1, message: 'x' }],
        }),
      ),
      { name: 'UnknownOperationException', message: /PutLogEvents/ },
    );
    assert.equal(
      messages((await reader.send(new FilterLogEventsCommand({ logGroupName: GROUP, limit: 1 }))).events).length,
      1,
    );
    await assert.rejects(reader.send(new FilterLogEventsCommand({ logGroupName: PIPELINE })), {
      name: 'AccessDeniedException',
      message: /logs:FilterLogEvents on resource: arn:aws:logs:[^ ]*nightly:\* because no identity-based policy allows/,
    });
    const told = fixture.trail.filter(({ eventSource }) => eventSource === 'logs.amazonaws.com');
    assert.ok(
      told.some(({ eventName, errorCode }) => eventName === 'FilterLogEvents' && errorCode === 'AccessDeniedException'),
    );
  });

  it('is read by the AWS CLI', async () => {
    await using store = await openTestStore();
    const { fixture, url } = await serveLogs(store);
    await using _ = fixture;
    const aws = async (...args: string[]): Promise<string> => {
      const result = await run('aws', ['--endpoint-url', url, 'logs', ...args], {
        env: {
          PATH: process.env['PATH'] ?? '',
          HOME: '/nonexistent',
          AWS_ACCESS_KEY_ID: CREDENTIAL.accessKeyId,
          AWS_SECRET_ACCESS_KEY: CREDENTIAL.secretAccessKey,
          AWS_REGION: REGION,
          AWS_DEFAULT_REGION: REGION,
          AWS_PAGER: '',
        },
      });
      assert.equal(result.code, 0, result.stderr.toString());
      return result.stdout.toString();
    };
    const groups = await aws('describe-log-groups', '--query', 'logGroups[].logGroupName', '--output', 'text');
    assert.deepEqual(groups.trim().split('\t'), [PIPELINE, GROUP]);
    const streams = JSON.parse(await aws('describe-log-streams', '--log-group-name', GROUP, '--output', 'json'));
    assert.equal(streams.logStreams.length, 2);
    const get = ['get-log-events', '--log-group-name', GROUP, '--log-stream-name', '1.0.0/2', '--output', 'json'];
    assert.deepEqual(messages(JSON.parse(await aws(...get)).events), ['one', 'ERROR network', 'three']);
    const filter = ['filter-log-events', '--log-group-name', GROUP, '--filter-pattern', 'ERROR', '--output', 'json'];
    assert.equal(JSON.parse(await aws(...filter)).events.length, 2);
    const since = ['--start-time', String(START + 24_000), '--query', 'events[].message', '--output', 'text'];
    assert.equal((await aws('filter-log-events', '--log-group-name', GROUP, ...since)).trim(), 'line 25');
  });
});
