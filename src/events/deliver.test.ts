import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import type { Store } from '../state/open-store.ts';
import { dropDeadLetters, readDeadLetters, retryDeadLetters } from '../state/outbox/dead-letters.ts';
import { DETAIL_TYPES, publishEvent } from '../state/outbox/publish-event.ts';
import { type DueDelivery, takeDeliveries } from '../state/outbox/take-deliveries.ts';
import { openTestStore } from '../state/test-store.ts';
import { type Deliveries, deliverDue, dispatchAll, purge } from './deliver.ts';
import { readRuleRoutes } from './rule-routes.ts';
import { deleteRule, putRule, readRule } from './rules.ts';
import { Undeliverable } from './undeliverable.ts';

const never = new AbortController().signal;
const imageArn = (name: string) => `arn:aws:imagebuilder:us-east-1:123456789012:image/${name}/1.0.0/1`;
const DAY = 24 * 60 * 60_000;

/** Events of images, a clock that the test sets, and receivers that do what the test says. */
async function delivering(store: Store) {
  let now = Date.parse('2026-11-23T10:00:00Z');
  const arrived: string[] = [];
  const attempts: string[] = [];
  let receive: (line: string, route: string) => void | Promise<void> = () => {};
  const label = ({ item }: DueDelivery): string => {
    const { resources, detail } = item.body as { resources: string[]; detail: { state: { status: string } } };
    return `${resources[0]?.split('/')[1]} ${detail.state.status}`;
  };
  const deliveries: Deliveries = {
    db: store.db,
    clock: { now: () => new Date(now) },
    readRoutes: (db) => readRuleRoutes(db),
    send: async (delivery) => {
      const line = `${label(delivery)} -> ${delivery.route}`;
      attempts.push(line);
      await receive(label(delivery), delivery.route);
      arrived.push(line);
    },
    log: { warn: () => {} },
  };
  return {
    deliveries,
    arrived,
    attempts,
    setReceiver: (receiver: typeof receive) => {
      receive = receiver;
    },
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
    /** Also by the clock of the database. */
    age: async (milliseconds: number) => {
      now += milliseconds;
      const earlier = sql<Date>`created_at - ${milliseconds}::float8 * interval '1 millisecond'`;
      await store.db.updateTable('deliveries').set({ created_at: earlier }).execute();
    },
    rule: (name: string, status: unknown[] = [{ exists: true }]) => {
      const pattern = { detail: { state: { status } } };
      const targets = { one: { kind: 'webhook', url: 'https://example.org/' } };
      return putRule(store.db, readRule({ name, pattern, targets }), new Date(now));
    },
    publish: async (name: string, ...statuses: string[]) => {
      for (const status of statuses) {
        await publishEvent(store.db, {
          detailType: DETAIL_TYPES.imageStateChange,
          resources: [imageArn(name)],
          detail: { state: { status } },
          at: new Date(now),
        });
      }
    },
    run: async (signal = never) => {
      await dispatchAll(deliveries);
      return deliverDue(deliveries, signal);
    },
    dead: () => readDeadLetters(store.db, { limit: 100 }),
    waiting: async () =>
      (await store.db.selectFrom('deliveries').select('id').where('dead_at', 'is', null).execute()).length,
  };
}

describe('deliveries', () => {
  it('bring each event to the targets of the rules that match, in order per image', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('all');
    await test.rule('ends', ['AVAILABLE', 'FAILED']);
    await test.publish('web', 'BUILDING', 'TESTING');
    await test.publish('db', 'BUILDING');
    await test.publish('web', 'AVAILABLE');
    await test.run();
    const of = (name: string, rule: string) =>
      test.arrived.filter((line) => line.startsWith(name) && line.includes(`rule/${rule}/`));
    assert.deepEqual(
      of('web', 'all'),
      ['BUILDING', 'TESTING', 'AVAILABLE'].map((status) => `web ${status} -> rule/all/one`),
    );
    assert.deepEqual(of('db', 'all'), ['db BUILDING -> rule/all/one']);
    assert.deepEqual(of('web', 'ends'), ['web AVAILABLE -> rule/ends/one']);
    assert.deepEqual([await test.run(), await test.waiting()], [0, 0]);
  });

  it('wait longer and longer for a target that fails, keep the order, and do not hold up others', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('bad');
    await test.rule('good');
    let isDown = true;
    test.setReceiver((_line, route) => {
      if (isDown && route.startsWith('rule/bad')) throw new Error('down');
    });
    await test.publish('web', 'BUILDING', 'TESTING', 'AVAILABLE');
    for (let image = 0; image < 20; image += 1) await test.publish(`image${image}`, 'BUILDING');
    await test.run();
    assert.equal(test.arrived.length, 23, 'everything for the good one');
    const failed = () => test.attempts.filter((line) => line.includes('bad')).length;
    const first = failed();
    assert.ok(first <= 4, `${first} attempts at a target that is down`);
    assert.equal(await test.run(), 0, 'nothing is due');
    const waits: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      let seconds = 0;
      for (const before = failed(); failed() === before; seconds += 10) {
        test.advance(10_000);
        await test.run();
      }
      waits.push(seconds);
    }
    assert.ok(
      waits.every((wait, index) => wait >= (waits[index - 1] ?? 0)),
      waits.join(),
    );
    assert.equal(waits.at(-1), 600, 'at last every ten minutes');
    isDown = false;
    for (let time = 0; (await test.waiting()) > 0; time += 1) {
      assert.ok(time < 100);
      test.advance(600_000);
      await test.run();
    }
    const web = test.arrived.filter((line) => line.startsWith('web') && line.includes('bad'));
    assert.deepEqual(
      web,
      ['BUILDING', 'TESTING', 'AVAILABLE'].map((status) => `web ${status} -> rule/bad/one`),
    );
  });

  it('miss nothing when a webhook is down for a day', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('all');
    let isDown = true;
    test.setReceiver(() => {
      if (isDown) throw new Error('connect ECONNREFUSED');
    });
    for (let hour = 0; hour < 24; hour += 1) {
      await test.publish('web', `AT${hour}`);
      for (let time = 0; time < 4; time += 1) {
        await test.run();
        test.advance(15 * 60_000);
      }
    }
    isDown = false;
    test.advance(600_000);
    await test.run();
    assert.deepEqual(
      test.arrived,
      Array.from({ length: 24 }, (_, hour) => `web AT${hour} -> rule/all/one`),
    );
    assert.deepEqual(await test.dead(), []);
    assert.ok(test.attempts.length < 200, `${test.attempts.length} attempts`);
  });

  it('become dead letters when they are refused, or after three days; then they can be tried again or dropped', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('all');
    let answer: Error | undefined = new Undeliverable('The webhook answered 410.');
    test.setReceiver((line) => {
      if (answer !== undefined && line !== 'web TESTING') throw answer;
    });
    await test.publish('web', 'BUILDING', 'TESTING');
    await test.run();
    assert.deepEqual(test.arrived, ['web TESTING -> rule/all/one'], 'what comes after it goes on');
    answer = new Error('down');
    await test.publish('db', 'BUILDING');
    await test.run();
    for (let hour = 0; hour < 71; hour += 1) {
      await test.age(DAY / 24);
      await test.run();
    }
    assert.equal((await test.dead()).length, 1);
    await test.age(DAY / 24);
    await test.run();
    const [first, second] = await test.dead();
    assert.deepEqual([first?.error, first?.route, first?.attempts], ['The webhook answered 410.', 'rule/all/one', 1]);
    assert.equal(second?.error, 'down');
    assert.ok((second?.attempts ?? 0) > 50);
    answer = undefined;
    assert.equal(await retryDeadLetters(store.db, first?.id, new Date('2026-11-26T10:00:00Z')), 1);
    test.advance(600_000);
    await test.run();
    assert.deepEqual(test.arrived.slice(1), ['web BUILDING -> rule/all/one']);
    assert.equal(await dropDeadLetters(store.db, undefined), 1);
    assert.deepEqual(await test.dead(), []);
  });

  it('are taken by one of several servers', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('all');
    for (let image = 0; image < 30; image += 1) await test.publish(`image${image}`, 'BUILDING', 'TESTING', 'AVAILABLE');
    test.setReceiver(() => new Promise((resolve) => setImmediate(resolve)));
    await Promise.all([test.run(), test.run(), test.run()]);
    await test.run();
    assert.equal(test.arrived.length, 90);
    assert.equal(new Set(test.arrived).size, 90);
    for (let image = 0; image < 30; image += 1) {
      const statuses = test.arrived
        .filter((line) => line.startsWith(`image${image} `))
        .map((line) => line.split(' ')[1]);
      assert.deepEqual(statuses, ['BUILDING', 'TESTING', 'AVAILABLE']);
    }
  });

  it('come again when whoever tried them died, and at once when it stopped', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('all');
    await test.publish('web', 'BUILDING', 'TESTING');
    await dispatchAll(test.deliveries);
    // A server that takes it and is killed.
    const taken = { now: test.deliveries.clock.now(), limit: 10, perRoute: 4, leaseMs: 60_000 };
    assert.equal((await takeDeliveries(store.db, taken)).length, 1);
    assert.equal(await test.run(), 0);
    test.advance(60_001);
    const stopping = new AbortController();
    test.setReceiver(() => {
      stopping.abort();
      throw new Error('stopped');
    });
    assert.equal(await test.run(stopping.signal), 1);
    test.setReceiver(() => {});
    await test.run();
    assert.deepEqual(test.arrived, ['web BUILDING -> rule/all/one', 'web TESTING -> rule/all/one']);
  });

  it('are not given up because a clock jumped ahead', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('all');
    test.setReceiver(() => {
      throw new Error('down');
    });
    await test.publish('web', 'BUILDING');
    await test.run();
    test.advance(4 * DAY);
    assert.equal(await test.run(), 1);
    assert.deepEqual(await test.dead(), []);
    assert.equal(await test.waiting(), 1);
  });

  it('do not wait for times that a clock put back has made far', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('all');
    let isDown = true;
    test.setReceiver(() => {
      if (isDown) throw new Error('down');
    });
    test.advance(365 * DAY);
    await test.publish('web', 'BUILDING');
    await test.run();
    test.advance(-365 * DAY);
    isDown = false;
    await test.run();
    assert.deepEqual(test.arrived, ['web BUILDING -> rule/all/one']);
  });

  it('of a route that hangs leave room for others', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('hangs');
    await test.rule('works');
    const hanging = Promise.withResolvers<void>();
    test.setReceiver((_line, route) => (route.startsWith('rule/hangs') ? hanging.promise : undefined));
    for (let image = 0; image < 50; image += 1) await test.publish(`image${image}`, 'BUILDING');
    const running = test.run();
    const arrivals = () => test.arrived.filter((line) => line.includes('works')).length;
    while (arrivals() < 50) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(test.attempts.filter((line) => line.includes('hangs')).length <= 4);
    hanging.resolve();
    await running;
    assert.equal(await test.waiting(), 0);
  });

  it('are forgotten with their rule, and what arrived after a month', async () => {
    await using store = await openTestStore();
    const test = await delivering(store);
    await test.rule('all');
    await test.rule('other');
    test.setReceiver((_line, route) => {
      if (route.startsWith('rule/all')) throw new Error('down');
    });
    await test.publish('web', 'BUILDING');
    await test.run();
    test.advance(31 * DAY);
    await purge(test.deliveries);
    const published = async () => (await store.db.selectFrom('outbox').select('id').execute()).length;
    assert.equal(await published(), 1, 'it is still owed');
    await deleteRule(store.db, 'all');
    assert.equal(await test.waiting(), 0);
    await purge(test.deliveries);
    assert.equal(await published(), 0);
    await assert.rejects(deleteRule(store.db, 'all'), { name: 'ResourceNotFoundException' });
  });
});
