import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { StateMachine } from 'aws-local-stepfunctions';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { unsupportedInStateMachine } from './check-definition.ts';

/** Source: Step Functions API Reference, CreateStateMachine. */
export const STATE_MACHINE_NAME = /^[A-Za-z0-9_-]{1,80}$/;
const MAX_DEFINITION_BYTES = 1024 * 1024;

export type Definition = ConstructorParameters<typeof StateMachine>[0];

export interface StateMachineRegistry {
  list(): Promise<readonly string[]>;
  find(name: string): Promise<Definition | undefined>;
  /** Replaces one of this name. Throws a BuilderFault that names everything that is wrong with the definition. */
  add(name: string, text: string): Promise<void>;
  /** False when there was none. */
  remove(name: string): Promise<boolean>;
}

/** The state machines in a folder of KILN_HOME: a file of Amazon States Language each. */
export function stateMachineRegistry(folder: string): StateMachineRegistry {
  const fileOf = (name: string): string => path.join(folder, `${name}.json`);
  const find = async (name: string): Promise<Definition | undefined> => {
    if (!STATE_MACHINE_NAME.test(name)) return undefined;
    const text = await readFile(fileOf(name), 'utf8').catch(missing);
    return text === undefined ? undefined : (JSON.parse(text) as Definition);
  };
  return {
    find,
    list: async () =>
      ((await readdir(folder).catch(missing)) ?? [])
        .filter((file) => file.endsWith('.json'))
        .map((file) => file.slice(0, -'.json'.length))
        .toSorted(),
    add: async (name, text) => {
      const definition = readDefinition(name, text);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const draft = path.join(folder, `.${name}.${process.pid}`);
      await writeFile(draft, JSON.stringify(definition, null, 2), { mode: 0o600 });
      await rename(draft, fileOf(name));
    },
    remove: async (name) => {
      if ((await find(name)) === undefined) return false;
      await rm(fileOf(name));
      return true;
    },
  };
}

function readDefinition(name: string, text: string): Definition {
  const refuse = (problems: readonly string[]): never => {
    throw new BuilderFault(`The state machine '${name}' cannot be run:\n${problems.join('\n')}`);
  };
  if (Buffer.byteLength(text) > MAX_DEFINITION_BYTES) refuse([`It has more than ${MAX_DEFINITION_BYTES} bytes.`]);
  let definition: unknown;
  try {
    definition = JSON.parse(text);
  } catch (error) {
    refuse([`It is not JSON: ${coerceError(error).message}`]);
  }
  const problems = unsupportedInStateMachine(definition);
  if (problems.length > 0) refuse(problems);
  try {
    new StateMachine(definition as Definition, VALIDATION);
  } catch (error) {
    refuse([coerceError(error).message]);
  }
  return definition as Definition;
}

/** Names of functions need not be ARNs of an account. */
export const VALIDATION = { validationOptions: { checkArn: false } } as const;

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
