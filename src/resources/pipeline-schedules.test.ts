import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Store } from '../state/open-store.ts';
import { openTestStore } from '../state/test-store.ts';
import { claimImage } from '../state/transitions/claim-image.ts';
import { completeImage } from '../state/transitions/complete-image.ts';
import { failImage } from '../state/transitions/fail-image.ts';
import { setImageStatus } from '../state/transitions/set-image-status.ts';
import { claimDueSlots, runDueSlots } from './run-schedules.ts';
import type { ParentImages } from './service.ts';
import { componentData, DEBIAN, DEBIAN_ARN, testService, token } from './test-service.ts';

const signal = new AbortController().signal;
const log = { error: (fields: object, message: string) => assert.fail(`${message} ${JSON.stringify(fields)}`) };

/** A service with a clock that the test sets, and a pipeline to be scheduled. */
async function pipelines(store: Store, quotas = {}) {
  let now = new Date('2026-11-23T10:00:30.000Z');
  let catalogue = DEBIAN;
  const parentImages: ParentImages = {
    managed: (name) => (name === catalogue.name ? catalogue : undefined),
    listManaged: () => [catalogue],
    ami: async () => undefined,
  };
  const { service, call } = testService(store, {}, quotas, { clock: { now: () => now }, parentImages });
  const component = async (version: string, text: string) => {
    const created = await call.CreateComponent({
      ...{ name: 'tool', semanticVersion: version, platform: 'Linux' as const, data: componentData(text) },
      ...token(),
    });
    return created.componentBuildVersionArn ?? '';
  };
  await component('1.0.0', 'one');
  const { imageRecipeArn = '' } = await call.CreateImageRecipe({
    ...{ name: 'web', semanticVersion: '1.0.0', parentImage: DEBIAN_ARN },
    components: [{ componentArn: 'arn:aws:imagebuilder:us-east-1:123456789012:component/tool/x.x.x' }],
    ...token(),
  });
  const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
    ...{ name: 'infra', instanceProfileName: 'profile' },
    ...token(),
  });
  const parts = { imageRecipeArn, infrastructureConfigurationArn };
  const pipelineArn = 'arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/nightly';
  return {
    service,
    call,
    component,
    parts,
    pipelineArn,
    setTime: (time: string) => {
      now = new Date(time);
    },
    /** The catalogue gets a newer image. */
    setCatalogue: (version: string) => {
      catalogue = { ...DEBIAN, version };
    },
    create: (schedule: object, more: object = {}) =>
      call.CreateImagePipeline({ name: 'nightly', ...parts, schedule, ...more, ...token() } as never),
    update: (more: object) =>
      call.UpdateImagePipeline({ imagePipelineArn: pipelineArn, ...parts, ...more, ...token() } as never),
    get: async () => (await call.GetImagePipeline({ imagePipelineArn: pipelineArn })).imagePipeline ?? assert.fail(),
    tick: async () => {
      await claimDueSlots(service, log);
      return [...(await runDueSlots(service, log, signal)).values()];
    },
    images: () =>
      store.db.selectFrom('images').select(['arn', 'build_type', 'schedule_slot', 'tags']).orderBy('seq').execute(),
    log: async () => {
      const lines = await store.db
        .selectFrom('log_events')
        .select(['log_group', 'log_stream', 'message'])
        .where('log_group', 'like', '%pipeline%')
        .orderBy('id')
        .execute();
      return lines.map((line) => `${line.log_group.slice(13)} ${line.log_stream} ${line.message}`);
    },
    /** Ends the build of the pipeline's last image. */
    end: async (status: 'AVAILABLE' | 'FAILED') => {
      const { arn } = await store.db
        .selectFrom('images')
        .select('arn')
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirstOrThrow();
      const claimed = await claimImage(store.db, { imageArn: arn, workerId: 'test', place: 'here', at: now } as never);
      assert.ok(claimed);
      await setImageStatus(store.db, claimed.claim, 'BUILDING', now);
      if (status === 'AVAILABLE') await completeImage(store.db, claimed.claim, { at: now });
      else await failImage(store.db, claimed.claim, { reason: 'It broke.', at: now });
    },
  };
}

const HOURLY = { scheduleExpression: 'cron(0 * * * ? *)', pipelineExecutionStartCondition: 'EXPRESSION_MATCH_ONLY' };
const GROUP = '/aws/imagebuilder/pipeline/nightly 2026/11/23';

describe('schedules of pipelines', () => {
  it('are answered with their defaults and the next run, and go away with an update that leaves them out', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create({ scheduleExpression: 'cron(0 9 ? * MON-FRI *)', timezone: 'Europe/Berlin' });
    const { schedule, dateNextRun, status, consecutiveFailures } = await test.get();
    assert.deepEqual(
      { schedule, dateNextRun, status, consecutiveFailures },
      {
        schedule: {
          scheduleExpression: 'cron(0 9 ? * MON-FRI *)',
          timezone: 'Europe/Berlin',
          pipelineExecutionStartCondition: 'EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE',
        },
        dateNextRun: '2026-11-24T08:00:00.000Z',
        status: 'ENABLED',
        consecutiveFailures: 0,
      },
    );
    await test.update({ schedule: { scheduleExpression: 'rate(3 hours)' } });
    assert.equal((await test.get()).dateNextRun, '2026-11-23T13:00:30.000Z');
    assert.equal((await test.get()).schedule?.timezone, 'UTC');
    await test.update({ schedule: { scheduleExpression: 'rate(3 hours)' }, status: 'DISABLED' });
    assert.equal((await test.get()).dateNextRun, undefined);
    await test.update({});
    const { schedule: none, dateNextRun: never, dateUpdated } = await test.get();
    assert.deepEqual([none, never, dateUpdated], [undefined, undefined, '2026-11-23T10:00:30.000Z']);
  });

  it('are refused by what is wrong with them', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await assert.rejects(test.create({ scheduleExpression: 'cron(0 10 * * ?)' }), {
      name: 'InvalidParameterValueException',
      message: /parameter 'schedule' is not valid\. A cron expression has six fields/,
    });
    await assert.rejects(test.create({ ...HOURLY, timezone: 'Europe/Atlantis' }), {
      name: 'InvalidParameterValueException',
      message: /'Europe\/Atlantis' is not a time zone/,
    });
  });

  it('start one execution per slot, tagged and logged, whoever looks', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create(HOURLY, {
      imageTags: { team: 'web' },
      loggingConfiguration: { imageLogGroupName: '/aws/imagebuilder/mine' },
    });
    assert.deepEqual(await test.tick(), []);
    test.setTime('2026-11-23T11:00:01Z');
    const servers = Array.from({ length: 5 }, () => test.tick());
    const outcomes = (await Promise.all(servers)).flat();
    assert.equal(outcomes.filter((outcome) => outcome === 'started').length, 1, outcomes.join());
    const [image, ...more] = await test.images();
    assert.equal(more.length, 0);
    assert.deepEqual(image?.tags, { team: 'web' });
    assert.equal(image?.build_type, 'SCHEDULED');
    assert.equal(image?.schedule_slot?.toISOString(), '2026-11-23T11:00:00.000Z');
    const got = await test.call.GetImage({ imageBuildVersionArn: image?.arn ?? '' });
    assert.deepEqual(got.image?.loggingConfiguration, { logGroupName: '/aws/imagebuilder/mine' });
    const { dateNextRun, dateLastRun, lastRunStatus } = await test.get();
    assert.deepEqual(
      [dateNextRun, dateLastRun, lastRunStatus],
      ['2026-11-23T12:00:00.000Z', '2026-11-23T11:00:01.000Z', 'PENDING'],
    );
    const because = 'because the schedule matched 2026-11-23T11:00:00.000Z';
    assert.deepEqual(await test.log(), [`${GROUP} Execution started: ${image?.arn}, ${because}`]);
    await assert.rejects(
      store.db
        .updateTable('images')
        .set({ schedule_slot: null })
        .execute()
        .then(async () => {
          const values = { source_pipeline_arn: test.pipelineArn, schedule_slot: new Date(0) };
          await store.db.updateTable('images').set(values).execute();
          await test.call.StartImagePipelineExecution({ imagePipelineArn: test.pipelineArn, ...token() });
          await store.db.updateTable('images').set(values).execute();
        }),
      /images_by_slot/,
    );
  });

  it('that were missed run once, late', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create(HOURLY);
    test.setTime('2026-11-25T09:30:00Z');
    assert.deepEqual(await test.tick(), ['started']);
    assert.deepEqual(await test.tick(), []);
    const [image, ...more] = await test.images();
    assert.equal(more.length, 0);
    assert.equal(image?.schedule_slot?.toISOString(), '2026-11-23T11:00:00.000Z');
    assert.match((await test.log())[0] ?? '', /matched 2026-11-23T11:00:00.000Z, late$/);
    assert.equal((await test.get()).dateNextRun, '2026-11-25T10:00:00.000Z');
  });

  it('do not run a second time when the clock is put back, and go on when it was far ahead', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create(HOURLY);
    test.setTime('2026-11-23T11:00:00Z');
    assert.deepEqual(await test.tick(), ['started']);
    test.setTime('2026-11-23T10:59:58Z');
    assert.deepEqual(await test.tick(), []);
    test.setTime('2026-11-23T11:00:00Z');
    assert.deepEqual(await test.tick(), []);

    test.setTime('2031-01-01T00:00:10Z');
    assert.deepEqual(await test.tick(), ['started']);
    test.setTime('2026-11-23T11:10:00Z');
    assert.deepEqual(await test.tick(), []);
    assert.equal((await test.get()).dateNextRun, '2026-11-23T12:00:00.000Z');
    test.setTime('2026-11-23T10:30:00Z');
    assert.deepEqual(await test.tick(), []);
    test.setTime('2026-11-23T11:00:00Z');
    assert.deepEqual(await test.tick(), ['nothing'], 'the slot of 11:00 has its execution');
    test.setTime('2026-11-23T12:00:00Z');
    assert.deepEqual(await test.tick(), ['nothing'], 'the slot of 12:00 had it when the clock was ahead');
    test.setTime('2026-11-23T13:00:00Z');
    assert.deepEqual(await test.tick(), ['started']);
  });

  it('wait while the account builds as much as it may', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store, { concurrentBuilds: 1 });
    await test.create(HOURLY);
    await test.call.StartImagePipelineExecution({ imagePipelineArn: test.pipelineArn, ...token() });
    test.setTime('2026-11-23T11:00:00Z');
    assert.deepEqual(await test.tick(), ['delayed']);
    test.setTime('2026-11-23T11:01:10Z');
    assert.deepEqual(await test.tick(), ['delayed']);
    assert.equal((await test.log()).filter((line) => / waits: ServiceQuotaExceededException/.test(line)).length, 1);
    await test.end('AVAILABLE');
    test.setTime('2026-11-23T12:02:30Z');
    assert.deepEqual(await test.tick(), ['started']);
    assert.equal((await test.images()).length, 2, 'what came meanwhile is one execution');
  });

  it('and their refusals do not stop others', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create(HOURLY);
    await test.call.CreateImagePipeline({ name: 'other', ...test.parts, schedule: HOURLY, ...token() } as never);
    await store.db
      .updateTable('pipeline_schedules')
      .set({ expression: 'cron(damaged)' })
      .where('pipeline_arn', '=', test.pipelineArn)
      .execute();
    test.setTime('2026-11-23T11:00:00Z');
    const told: string[] = [];
    await claimDueSlots(test.service, { error: (_fields, message) => told.push(message) });
    assert.deepEqual(told, ['schedule not understood']);
    assert.equal((await runDueSlots(test.service, log, signal)).size, 2);
    test.setTime('2026-11-23T12:00:00Z');
    assert.deepEqual(await test.tick(), ['started'], 'the damaged one has no further slots');
  });
});

describe('the start condition with dependency updates', () => {
  it('builds when a wildcard means something else than for the last image, and says what', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create({ scheduleExpression: 'cron(0 * * * ? *)' });
    test.setTime('2026-11-23T11:00:00Z');
    assert.deepEqual(await test.tick(), ['started']);
    await test.end('FAILED');
    test.setTime('2026-11-23T12:00:00Z');
    assert.deepEqual(await test.tick(), ['skipped']);
    const newer = await test.component('1.1.0', 'two');
    test.setTime('2026-11-23T13:00:00Z');
    assert.deepEqual(await test.tick(), ['started']);
    test.setTime('2026-11-23T14:00:00Z');
    assert.deepEqual(await test.tick(), ['skipped']);
    const [first, second] = (await test.images()).map(({ arn }) => arn);
    assert.deepEqual(await test.log(), [
      `${GROUP} Execution started: ${first}, because the schedule matched 2026-11-23T11:00:00.000Z and it has no image yet`,
      `${GROUP} Execution of 2026-11-23T12:00:00.000Z skipped: no dependency updates since ${first}`,
      `${GROUP} Execution started: ${second}, because the schedule matched 2026-11-23T13:00:00.000Z and dependencies changed since ${first}: ${newer} (arn:aws:imagebuilder:us-east-1:123456789012:component/tool/x.x.x)`,
      `${GROUP} Execution of 2026-11-23T14:00:00.000Z skipped: no dependency updates since ${second}`,
    ]);
  });

  it('builds when the parent image is newer, in the catalogue as well', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create({ scheduleExpression: 'cron(0 * * * ? *)' });
    test.setTime('2026-11-23T11:00:00Z');
    assert.deepEqual(await test.tick(), ['started']);
    test.setCatalogue('2026.12.1');
    test.setTime('2026-11-23T12:00:00Z');
    assert.deepEqual(await test.tick(), ['started']);
    const newer = 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/2026.12.1/1';
    assert.match((await test.log()).at(-1) ?? '', new RegExp(`dependencies changed since .*: ${newer} \\(`));
    test.setTime('2026-11-23T13:00:00Z');
    assert.deepEqual(await test.tick(), ['skipped']);
  });

  it('does not concern executions that somebody asks for', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create({ scheduleExpression: 'cron(0 * * * ? *)' });
    await test.call.StartImagePipelineExecution({ imagePipelineArn: test.pipelineArn, ...token() });
    await test.call.StartImagePipelineExecution({ imagePipelineArn: test.pipelineArn, ...token() });
    assert.equal((await test.images()).length, 2);
    test.setTime('2026-11-23T11:00:00Z');
    assert.deepEqual(await test.tick(), ['skipped']);
  });

  it('is looked at no more while the last image is DISABLED', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create(HOURLY);
    test.setTime('2026-11-23T11:00:00Z');
    await test.tick();
    await test.end('AVAILABLE');
    await store.db.updateTable('images').set({ status: 'DISABLED' }).execute();
    test.setTime('2026-11-23T12:00:00Z');
    assert.deepEqual(await test.tick(), ['skipped']);
    assert.match((await test.log()).at(-1) ?? '', /skipped: its last image .* is DISABLED/);
  });
});

describe('automatic disabling', () => {
  it('comes with the last of so many failures of scheduled executions in a row', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    const schedule = { ...HOURLY, autoDisablePolicy: { failureCount: 2 } };
    await test.create(schedule);
    const failures = async () => (await test.get()).consecutiveFailures;
    test.setTime('2026-11-23T11:00:00Z');
    await test.tick();
    await test.end('FAILED');
    assert.equal(await failures(), 1);
    await test.call.StartImagePipelineExecution({ imagePipelineArn: test.pipelineArn, ...token() });
    await test.end('FAILED');
    assert.equal(await failures(), 1, 'a manual failure does not count');
    await test.call.StartImagePipelineExecution({ imagePipelineArn: test.pipelineArn, ...token() });
    await test.end('AVAILABLE');
    assert.equal(await failures(), 0, 'a manual success does');
    for (const hour of [12, 13]) {
      test.setTime(`2026-11-23T${hour}:00:00Z`);
      assert.deepEqual(await test.tick(), ['started']);
      await test.end('FAILED');
    }
    const { status, consecutiveFailures, dateNextRun, lastRunStatus } = await test.get();
    assert.deepEqual([status, consecutiveFailures, dateNextRun, lastRunStatus], ['DISABLED', 2, undefined, 'FAILED']);
    const disabled = await store.db.selectFrom('outbox').select('body').where('about', '=', test.pipelineArn).execute();
    assert.equal(disabled.length, 1);
    assert.equal(disabled[0]?.body['detail-type'], 'EC2 Image Builder Image Pipeline Automatically Disabled');
    assert.deepEqual(disabled[0]?.body['detail'], { 'consecutive-failures': '2' });
    assert.match((await test.log()).at(-1) ?? '', /is DISABLED: 2 scheduled executions in a row failed/);
    test.setTime('2026-11-23T15:00:00Z');
    assert.deepEqual(await test.tick(), []);
    await test.update({ schedule });
    assert.equal(await failures(), 0);
    assert.equal((await test.get()).dateNextRun, '2026-11-23T16:00:00.000Z');
  });

  it('comes after five without a policy, and counts what cannot even be started', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await test.create(HOURLY);
    await store.db.deleteFrom('resource_references').execute();
    await store.db.deleteFrom('resources').where('kind', '=', 'image-recipe').execute();
    for (const hour of [11, 12, 13, 14, 15]) {
      assert.equal((await test.get()).status, 'ENABLED');
      test.setTime(`2026-11-23T${hour}:00:00Z`);
      assert.deepEqual(await test.tick(), ['refused']);
    }
    assert.equal((await test.get()).status, 'DISABLED');
    assert.match((await test.log())[0] ?? '', /could not be started: ResourceNotFoundException: .*image-recipe\/web/);
  });
});

describe('log groups of a pipeline', () => {
  it('are used, and outside of the service need a role', async () => {
    await using store = await openTestStore();
    const test = await pipelines(store);
    await assert.rejects(test.create(HOURLY, { loggingConfiguration: { pipelineLogGroupName: '/mine' } }), {
      name: 'InvalidParameterCombinationException',
      message: /loggingConfiguration.pipelineLogGroupName.*needs an 'executionRole'/s,
    });
    const pipelineLogGroupName = '/aws/imagebuilder/pipelines';
    await test.create(HOURLY, { loggingConfiguration: { pipelineLogGroupName } });
    assert.deepEqual((await test.get()).loggingConfiguration, { pipelineLogGroupName });
    await test.call.StartImagePipelineExecution({ imagePipelineArn: test.pipelineArn, ...token() });
    const [line] = await store.db.selectFrom('log_events').selectAll().execute();
    assert.equal(line?.log_group, `123456789012:${pipelineLogGroupName}`);
    assert.match(line?.message ?? '', /because StartImagePipelineExecution asked for it$/);
  });
});
