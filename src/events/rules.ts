/** Rules as they are kept: which events go to which targets. */
import type { Kysely } from 'kysely';
import { AwsError, invalidParameter } from '../contract/errors.ts';
import type { Database } from '../state/tables.ts';
import { checkStorable } from './endpoints.ts';
import { InvalidPatternError } from './invalid-pattern.ts';
import { parsePattern } from './pattern.ts';
import { type RuleTarget, readRuleTarget } from './rule-target.ts';

export interface Rule {
  /** 1 to 64 letters, digits, `.`, `-` and `_`. */
  readonly name: string;
  readonly description?: string | undefined;
  readonly pattern: Readonly<Record<string, unknown>>;
  readonly enabled: boolean;
  readonly targets: Readonly<Record<string, RuleTarget>>;
}

/** Source: EventBridge API Reference, PutRule, PutTargets; so many targets are Kiln's own bound. */
const NAME = /^[.\-_A-Za-z0-9]{1,64}$/;
const MOST_TARGETS = 20;
const MOST_RULES = 300;

/** Reads a rule as somebody wrote it. @throws AwsError that names what is wrong */
export function readRule(value: unknown): Rule {
  checkStorable(value, 'rule');
  if (typeof value !== 'object' || value === null) throw invalidParameter('rule', 'It must be an object.');
  const { name, description, pattern, enabled = true, targets, ...others } = value as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalidParameter(unknown.slice(0, 80), 'A rule has no such member.');
  if (typeof name !== 'string' || !NAME.test(name)) throw invalidParameter('name', `It must match ${NAME.source}.`);
  if (description !== undefined && (typeof description !== 'string' || description.length > 512)) {
    throw invalidParameter('description', 'It must be a text of at most 512 characters.');
  }
  if (typeof enabled !== 'boolean') throw invalidParameter('enabled', 'It must be true or false.');
  if (typeof targets !== 'object' || targets === null) throw invalidParameter('targets', 'It must be an object.');
  const ids = Object.keys(targets);
  if (ids.length === 0 || ids.length > MOST_TARGETS) {
    throw invalidParameter('targets', `A rule has 1 to ${MOST_TARGETS} targets.`);
  }
  const read = Object.entries(targets).map(([id, target]) => {
    if (!NAME.test(id)) throw invalidParameter('targets', `The id '${id.slice(0, 80)}' must match ${NAME.source}.`);
    return [id, readRuleTarget(target, `targets.${id}`)];
  });
  return { name, description, pattern: readPattern(pattern), enabled, targets: Object.fromEntries(read) };
}

function readPattern(pattern: unknown): Readonly<Record<string, unknown>> {
  try {
    parsePattern(pattern);
  } catch (error) {
    if (error instanceof InvalidPatternError) throw invalidParameter('pattern', error.message);
    throw error;
  }
  return pattern as Readonly<Record<string, unknown>>;
}

/** Makes or replaces a rule. What waits for targets that it has no more is forgotten. */
export async function putRule(db: Kysely<Database>, rule: Rule, now: Date): Promise<void> {
  const { name, description = null, pattern, enabled, targets } = rule;
  await db.transaction().execute(async (trx) => {
    const row = { description, pattern: JSON.stringify(pattern), enabled };
    await trx
      .insertInto('rules')
      .values({ name, ...row, created_at: now })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
    const { count } = await trx
      .selectFrom('rules')
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow();
    if (Number(count) > MOST_RULES) {
      throw new AwsError('ServiceQuotaExceededException', `There can be ${MOST_RULES} rules.`);
    }
    await trx.deleteFrom('rule_targets').where('rule_name', '=', name).execute();
    const rows = Object.entries(targets).map(([id, target]) => ({
      rule_name: name,
      id,
      settings: JSON.stringify(target),
    }));
    await trx.insertInto('rule_targets').values(rows).execute();
    await forgetRoutes(trx, name, Object.keys(targets));
  });
}

/** Throws ResourceNotFoundException. What waits for its targets is forgotten, dead letters included. */
export async function deleteRule(db: Kysely<Database>, name: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { numDeletedRows } = await trx.deleteFrom('rules').where('name', '=', name).executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw new AwsError('ResourceNotFoundException', `There is no rule '${name}'.`);
    await forgetRoutes(trx, name, []);
  });
}

/** In order of their names. */
export async function listRules(db: Kysely<Database>): Promise<readonly Rule[]> {
  const rules = await db.selectFrom('rules').selectAll().orderBy('name').execute();
  const targets = await db.selectFrom('rule_targets').selectAll().orderBy('id').execute();
  const byRule = Map.groupBy(targets, (target) => target.rule_name);
  return rules.map(({ name, description, pattern, enabled }) => ({
    name,
    description: description ?? undefined,
    pattern,
    enabled,
    targets: Object.fromEntries(
      (byRule.get(name) ?? []).map(({ id, settings }) => [id, settings as unknown as RuleTarget]),
    ),
  }));
}

/** The target that a route leads to; undefined when it is gone. */
export async function findRuleTarget(db: Kysely<Database>, route: RuleRoute): Promise<RuleTarget | undefined> {
  const row = await db
    .selectFrom('rule_targets')
    .select('settings')
    .where('rule_name', '=', route.rule)
    .where('id', '=', route.target)
    .executeTakeFirst();
  return row === undefined ? undefined : (row.settings as unknown as RuleTarget);
}

export interface RuleRoute {
  readonly rule: string;
  readonly target: string;
}

export function ruleRoute({ rule, target }: RuleRoute): string {
  return `rule/${rule}/${target}`;
}

export function parseRuleRoute(route: string): RuleRoute | undefined {
  const [, rule, target] = /^rule\/([^/]+)\/([^/]+)$/.exec(route) ?? [];
  return rule === undefined || target === undefined ? undefined : { rule, target };
}

async function forgetRoutes(trx: Kysely<Database>, rule: string, except: readonly string[]): Promise<void> {
  const kept = except.map((target) => ruleRoute({ rule, target }));
  for (const table of ['deliveries', 'delivery_routes'] as const) {
    await trx
      .deleteFrom(table)
      .where('route', '^@', `rule/${rule}/`)
      .where(({ eb, fn, val }) => eb.not(eb('route', '=', fn.any(val(kept)))))
      .execute();
  }
}
