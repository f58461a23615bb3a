/** The operator's operations on rules and dead letters. */
import type { Kysely } from 'kysely';
import { AwsError, invalidParameter } from '../contract/errors.ts';
import type { KilnOperations } from '../contract/kiln-operations.ts';
import { dropDeadLetters, readDeadLetters, retryDeadLetters } from '../state/outbox/dead-letters.ts';
import type { Database } from '../state/tables.ts';
import type { Clock } from '../util/clock.ts';
import { deleteRule, listRules, putRule, readRule } from './rules.ts';

export interface EventOperationsOptions {
  readonly db: Kysely<Database>;
  readonly clock: Clock;
  /** Has deliveries tried at once. */
  readonly wake: () => void;
}

const PAGE = 100;

export function eventOperations({ db, clock, wake }: EventOperationsOptions): KilnOperations {
  return {
    PutRule: {
      readOnly: false,
      run: async (input) => {
        const rule = readRule(input);
        await putRule(db, rule, clock.now());
        return { name: rule.name };
      },
    },
    DeleteRule: {
      readOnly: false,
      run: async (input) => {
        const name = textOf(input, 'name');
        await deleteRule(db, name);
        return { name };
      },
    },
    ListRules: { readOnly: true, run: async () => ({ rules: await listRules(db) }) },
    ListDeadLetters: {
      readOnly: true,
      run: async (input) => {
        const afterId = input['after'] === undefined ? '0' : idOf(input, 'after');
        const letters = await readDeadLetters(db, { afterId, limit: PAGE });
        const last = letters.at(-1);
        return { deadLetters: letters, ...(letters.length < PAGE || last === undefined ? {} : { after: last.id }) };
      },
    },
    RetryDeadLetters: {
      readOnly: false,
      run: async (input) => {
        const count = await retryDeadLetters(db, oneOrAll(input), clock.now());
        wake();
        return { count: found(count, input) };
      },
    },
    DropDeadLetters: {
      readOnly: false,
      run: async (input) => ({ count: found(await dropDeadLetters(db, oneOrAll(input)), input) }),
    },
  };
}

function oneOrAll(input: Readonly<Record<string, unknown>>): string | undefined {
  if (input['all'] === true && input['id'] === undefined) return undefined;
  return idOf(input, 'id');
}

function found(count: number, { id }: Readonly<Record<string, unknown>>): number {
  if (count > 0 || id === undefined) return count;
  throw new AwsError('ResourceNotFoundException', `There is no dead letter '${String(id)}'.`);
}

function idOf(input: Readonly<Record<string, unknown>>, name: string): string {
  const id = textOf(input, name);
  if (!/^\d{1,18}$/.test(id)) throw invalidParameter(name, 'It must be the id of a dead letter.');
  return id;
}

export function textOf(input: Readonly<Record<string, unknown>>, name: string): string {
  const value = input[name];
  if (typeof value === 'string' && value !== '' && value.length <= 2_048) return value;
  throw invalidParameter(name, 'It is required: a text of at most 2,048 characters.');
}
