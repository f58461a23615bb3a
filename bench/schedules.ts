/**
 * `npm run bench:schedules`: what one look at the schedules of many pipelines costs. Figures: bench/README.md.
 */
import { availableParallelism } from 'node:os';
import { after, it } from 'node:test';
import { sql } from 'kysely';
import { claimDueSlots, runDueSlots } from '../src/resources/run-schedules.ts';
import { DEBIAN_ARN, testService, token } from '../src/resources/test-service.ts';
import { openTestStore } from '../src/state/test-store.ts';

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'];
const log = { error: (fields: object, message: string) => console.error(message, fields) };
const never = new AbortController().signal;

for (const count of [100, 1_000, 10_000]) {
  it(`${count} pipelines`, async () => {
    await using store = await openTestStore();
    let now = new Date('2026-11-23T10:00:30Z');
    const quotas = { imagePipelines: 1_000_000, concurrentBuilds: 1_000_000 };
    const { service, call } = testService(store, {}, quotas, { clock: { now: () => now } });
    const { imageRecipeArn = '' } = await call.CreateImageRecipe({
      ...{ name: 'web', semanticVersion: '1.0.0', parentImage: DEBIAN_ARN, ...token() },
    });
    const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
      ...{ name: 'infra', instanceProfileName: 'profile', ...token() },
    });
    const prefix = 'arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/p';
    const document = JSON.stringify({
      ...{ imageRecipeArn, infrastructureConfigurationArn, status: 'ENABLED', platform: 'Linux' },
      schedule: { pipelineExecutionStartCondition: 'EXPRESSION_MATCH_ONLY' },
    });
    await sql`
      insert into resources (arn, kind, account_id, region, name, slug, document, tags, created_at)
      select ${prefix} || n, 'image-pipeline', '123456789012', 'us-east-1', 'p' || n, 'p' || n, ${document}::jsonb, '{}', now()
      from generate_series(1, ${count}::int) n`.execute(store.db);
    await sql`
      insert into pipeline_schedules (pipeline_arn, expression, timezone, since, next_slot, looked_at)
      select ${prefix} || n, 'cron(' || n % 60 || ' * * * ? *)', (${ZONES}::text[])[1 + n % 5], now(),
        '2026-11-23T11:00:00Z'::timestamptz, '2026-11-23T10:00:00Z'::timestamptz
      from generate_series(1, ${count}::int) n`.execute(store.db);
    await sql`analyze`.execute(store.db);
    const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const begin = performance.now();
      const result = await work();
      console.log(`${count} pipelines, ${what}: ${Math.round(performance.now() - begin)} ms (${String(result)})`);
    };
    await timed('none due', () => claimDueSlots(service, log));
    now = new Date('2026-11-23T11:00:00Z');
    await timed('all due in this minute', () => claimDueSlots(service, log));
    await timed('starting their executions', async () => (await runDueSlots(service, log, never)).size);
  });
}

after(() => console.log(`${availableParallelism()} CPUs`));
