import type { Kysely } from 'kysely';
import type { OutboxRow } from '../state/outbox/dispatch.ts';
import type { Database } from '../state/tables.ts';
import { parsePattern } from './pattern.ts';
import { listRules, ruleRoute } from './rules.ts';

/** Which targets of rules want an event, by the rules as they are now. */
export async function readRuleRoutes(db: Kysely<Database>): Promise<(row: OutboxRow) => readonly string[]> {
  const rules = (await listRules(db)).filter(({ enabled }) => enabled);
  const compiled = rules.map(({ name, pattern, targets }) => ({
    matches: parsePattern(pattern),
    routes: Object.keys(targets).map((target) => ruleRoute({ rule: name, target })),
  }));
  return ({ kind, body }) =>
    kind === 'event' ? compiled.flatMap(({ matches, routes }) => (matches(body) ? routes : [])) : [];
}
