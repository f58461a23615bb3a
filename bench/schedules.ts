/**
 * `npm run bench:schedules`: what one look at the schedules of many pipelines costs. Figures: bench/README.md.
 */
import { it } from 'node:test';
import { sql } from 'kysely';
import { claimDueSlots, runDueSlots } from '../src/resources/run-schedules.ts';
import { DEBIAN_ARN, testService, token } from '../src/resources/test-service.ts';
import { openTestStore } from '../src/state/test-store.ts';

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'];
const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/p';
const log = { error: (fields: object, message: string) => console.error(message, fields) };
const never = new AbortController().signal;

for (const count of [100, 1_000, 10_000]) {
  it(`${count} pipelines`, async () => {
    await using store = await openTestStore();
    let now = new Date('2026-11-23T10:00:30Z');
    const { service, call } = testService(store, {}, { imagePipelines: 1_000_000 }, { clock: { now: () => now } });
    const { imageRecipeArn = '' } = await call.CreateImageRecipe({
      ...{ name: 'web', semanticVersion: '1.0.0', parentImage: DEBIAN_ARN, ...token() },
    });
    const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
      ...{ name: 'infra', instanceProfileName: 'profile', ...token() },
    });
    // The first pipeline runs once; the others are made as copies of it and its image.
    await call.CreateImagePipeline({
      ...{ name: 'p0', imageRecipeArn, infrastructureConfigurationArn, ...token() },
      schedule: { scheduleExpression: 'cron(0 * * * ? *)' },
    });
    await call.StartImagePipelineExecution({ imagePipelineArn: `${ARN}0`, ...token() });
    await store.db.updateTable('images').set({ status: 'AVAILABLE' }).execute();
    await sql`
      insert into resources (arn, kind, account_id, region, name, slug, document, tags, created_at)
      select ${ARN} || n, kind, account_id, region, 'p' || n, 'p' || n, document, tags, created_at
      from resources, generate_series(1, ${count - 1}::int) n where arn = ${`${ARN}0`}`.execute(store.db);
    await sql`
      insert into images overriding user value
      select (jsonb_populate_record(null::images, to_jsonb(image) || jsonb_build_object(
        'arn', image.arn || n, 'build', n + 1, 'source_pipeline_arn', ${ARN} || n))).*
      from images image, generate_series(1, ${count - 1}::int) n`.execute(store.db);
    await sql`
      insert into pipeline_schedules (pipeline_arn, expression, timezone, since, next_slot, looked_at)
      select ${ARN} || n, 'cron(' || n % 60 || ' * * * ? *)', (${ZONES}::text[])[1 + n % 5], now(),
        '2026-11-23T11:00:00Z'::timestamptz, '2026-11-23T10:00:00Z'::timestamptz
      from generate_series(1, ${count - 1}::int) n`.execute(store.db);
    await sql`vacuum analyze`.execute(store.db);
    const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const begin = performance.now();
      const result = await work();
      console.log(`${count} pipelines, ${what}: ${Math.round(performance.now() - begin)} ms (${String(result)})`);
    };
    await timed('none due', () => claimDueSlots(service, log));
    now = new Date('2026-11-23T11:00:00Z');
    await timed('all due at once', () => claimDueSlots(service, log));
    await timed('resolving their dependencies, without an update', async () => {
      const outcomes = [...(await runDueSlots(service, log, never)).values()];
      return Object.entries(Object.groupBy(outcomes, (outcome) => outcome)).map(
        ([name, all]) => `${name} ${all?.length}`,
      );
    });
  });
}
