/**
 * `npm run bench:deliveries`: how events get through while another receiver is down. Figures: bench/README.md.
 */
import { it } from 'node:test';
import { createDeliverer, type Deliveries, deliverDue, dispatchAll } from '../src/events/deliver.ts';
import { readRuleRoutes } from '../src/events/rule-routes.ts';
import { putRule, readRule } from '../src/events/rules.ts';
import { DETAIL_TYPES, publishEvent } from '../src/state/outbox/publish-event.ts';
import { openTestStore } from '../src/state/test-store.ts';

const never = new AbortController().signal;

for (const count of [100, 1_000, 10_000]) {
  it(`${count} events`, async () => {
    await using store = await openTestStore();
    let now = Date.parse('2026-11-23T10:00:00Z');
    const deliveries: Deliveries = {
      db: store.db,
      clock: { now: () => new Date(now) },
      readRoutes: (db) => readRuleRoutes(db),
      send: async ({ route }) => {
        if (route.startsWith('rule/down')) throw new Error('down');
      },
      log: { warn: () => {} },
    };
    for (const name of ['down', 'works']) {
      const targets = { one: { kind: 'webhook', url: 'https://example.org/' } };
      await putRule(store.db, readRule({ name, pattern: { source: ['aws.imagebuilder'] }, targets }), new Date(now));
    }
    const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const begin = performance.now();
      await work();
      const ms = performance.now() - begin;
      console.log(`${count} events, ${what}: ${Math.round(ms)} ms, ${Math.round((count / ms) * 1_000)}/s`);
    };
    await store.db.transaction().execute(async (trx) => {
      for (let image = 0; image < count; image += 1) {
        await publishEvent(trx, {
          detailType: DETAIL_TYPES.imageStateChange,
          resources: [`arn:aws:imagebuilder:us-east-1:123456789012:image/image${image}/1.0.0/1`],
          detail: { state: { status: 'AVAILABLE' } },
          at: new Date(now),
        });
      }
    });
    await timed('dispatched to two rules', () => dispatchAll(deliveries));
    await timed('delivered while the other receiver is down', () => deliverDue(deliveries, never));
    await timed('a look while all of them wait', () => createDeliverer(deliveries).begin(never));
    now += 10 * 60_000;
    await timed('one attempt after ten minutes', () => deliverDue(deliveries, never));
  });
}
