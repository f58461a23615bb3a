import { randomUUID } from 'node:crypto';
import type { ComponentDocument, InputValue, StepInputs } from '../documents/component.ts';
import {
  type ChainReference,
  type ContextKey,
  type Expression,
  expressionsOf,
  isList,
  type ParameterReference,
  resolveText,
  resolveValue,
  textsOf,
} from '../documents/component-expressions.ts';
import { coerceError } from '../util/faults.ts';
import type { NestedRun } from './run-documents.types.ts';
import type { RunServices } from './run-services.ts';
import type { Secrets } from './secrets.ts';
import { StepFailedError } from './step-failed.ts';
import type { TargetFacts } from './target-facts.ts';

/** What a step that succeeded left for later steps of its document. */
export interface StepRecord {
  readonly inputs: readonly StepInputs[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Outputs of which only head and tail were kept. */
  readonly incomplete: ReadonlySet<string>;
  /** Secrets are masked in it, because it was saved: other steps cannot use it. */
  readonly secretsGone?: boolean;
  /** Inputs were too long to be kept. */
  readonly inputsGone?: boolean;
  /** Runs of other documents that the step made. */
  readonly nested?: readonly NestedRun[];
}

export interface LoopPosition {
  readonly name: string;
  readonly index: number;
  readonly value: string;
}

/** Where an expression is resolved. */
export interface Scope {
  readonly phase: string;
  readonly step: string;
  readonly loop: LoopPosition | undefined;
  readonly signal: AbortSignal;
}

/** Where values come from that no document has. */
export interface ValueSources {
  readonly facts: TargetFacts;
  /** Gets to know every secret before it is used. */
  readonly secrets: Secrets;
  readonly services: RunServices;
}

/** Resolves the expressions of one document while it runs. */
export class Resolver {
  readonly #names: ReadonlyMap<string, string | undefined>;
  readonly #sources: ValueSources;
  /** By `phase.step`. A step that did not run, was skipped or failed has none. */
  readonly #records = new Map<string, StepRecord>();

  constructor(document: ComponentDocument, parameters: Readonly<Record<string, string>>, sources: ValueSources) {
    this.#sources = sources;
    this.#names = new Map([
      ...document.parameters.map(({ name, default: value }): [string, string | undefined] => [
        name,
        Object.hasOwn(parameters, name) ? parameters[name] : value,
      ]),
      ...document.constants.map(({ name, value }): [string, string] => [name, value]),
    ]);
  }

  record(phase: string, step: string, record: StepRecord): void {
    this.#records.set(`${phase}.${step}`, record);
  }

  /** @throws StepFailedError for an expression that has no value. */
  async value(value: InputValue, scope: Scope): Promise<InputValue> {
    const values = new Map<string, string | undefined>();
    // Some values come from the machine: they are fetched first, each once, so that the rest is plain substitution.
    for (const text of textsOf(value)) {
      for (const expression of expressionsOf(text)) {
        // Every `uuid` is a new one: it is left to the substitution below.
        if (isUuid(expression)) values.set(expression.source, '');
        else if (!values.has(expression.source)) values.set(expression.source, await this.#lookup(expression, scope));
      }
    }
    if (values.size === 0) return value;
    const lookup = (expression: Expression): string | undefined =>
      isUuid(expression) ? randomUUID() : values.get(expression.source);
    return failing(() => resolveValue(value, lookup));
  }

  async text(text: string, scope: Scope): Promise<string> {
    const value = await this.value(text, scope);
    return typeof value === 'string' ? value : failing(() => resolveText(String(value), () => undefined));
  }

  async #lookup({ source, reference }: Expression, scope: Scope): Promise<string | undefined> {
    switch (reference.kind) {
      case 'name':
        return this.#named(reference.name);
      case 'chain':
        return this.#chained(source, reference);
      case 'loop':
        return loopValue(reference.loop, reference.variable, scope.loop);
      case 'env': {
        const value = await this.#sources.facts.environment(reference.name, scope.signal);
        if (value === undefined) throw new StepFailedError(`${source}: the environment variable is not set`);
        return value;
      }
      case 'context':
        return this.#sources.facts.context(reference.key as Exclude<ContextKey, 'uuid'>, scope, scope.signal);
      case 'ssm':
        return this.#stored(source, reference, scope.signal);
      case 'imds':
        return this.#metadata(source, reference.path, scope.signal);
      case 'malformed':
        throw new StepFailedError(`${source} cannot be resolved`);
    }
  }

  #named(name: string): string {
    const value = this.#names.get(name);
    if (value === undefined) throw new StepFailedError(`the parameter ${name} has no value`);
    return value;
  }

  async #stored(source: string, { name, through }: ParameterReference, signal: AbortSignal): Promise<string> {
    if (through === undefined) return this.#parameter(source, name, signal);
    const inner = through === 'document' ? this.#named(name) : await this.#parameter(source, name, signal);
    return this.#parameter(source, inner, signal);
  }

  async #parameter(source: string, name: string, signal: AbortSignal): Promise<string> {
    const { secrets, services } = this.#sources;
    const { parameters } = services;
    if (parameters === undefined) {
      throw new StepFailedError(`${source}: no Parameter Store is configured for this run`);
    }
    const stored = await parameters(name, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new StepFailedError(`${source}: ${coerceError(error).message}`);
    });
    if (stored === undefined) throw new StepFailedError(`${source}: there is no parameter with this name`);
    if (stored.secret) secrets.add(stored.value);
    return stored.value;
  }

  async #metadata(source: string, path: string, signal: AbortSignal): Promise<string> {
    const { metadata } = this.#sources.services;
    if (metadata === undefined) throw new StepFailedError(`${source}: no instance metadata is known in this run`);
    const value = await metadata(path, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new StepFailedError(`${source}: ${coerceError(error).message}`);
    });
    if (value === undefined) throw new StepFailedError(`${source}: this instance has no such metadata`);
    return value;
  }

  #chained(source: string, reference: ChainReference): string {
    const record = this.#records.get(`${reference.phase}.${reference.step}`);
    if (record === undefined) {
      throw new StepFailedError(`${source}: the step ${reference.step} did not run, was skipped or failed in this run`);
    }
    if (record.secretsGone === true) {
      throw new StepFailedError(`${source}: the step used a secret, which was not kept over the reboot`);
    }
    if (reference.from === 'inputs' && record.inputsGone === true) {
      throw new StepFailedError(`${source}: the inputs are too long to be used by another step`);
    }
    if (reference.from === 'inputs') return asText(record.inputs[reference.index ?? 0]?.[reference.variable]);
    if (record.incomplete.has(reference.variable)) {
      throw new StepFailedError(`${source}: the output is too long to be used by another step`);
    }
    return asText(record.outputs[reference.variable] as InputValue | undefined);
  }
}

function isUuid({ reference }: Expression): boolean {
  return reference.kind === 'context' && reference.key === 'uuid';
}

/** Outside of a loop, or for the name of another loop, the expression stays as it is written. */
function loopValue(name: string, variable: 'index' | 'value', loop: LoopPosition | undefined): string | undefined {
  if (loop === undefined || (name !== 'loop' && name !== loop.name)) return undefined;
  return variable === 'index' ? String(loop.index) : loop.value;
}

/** An optional input that was not given is the empty text; a list is one item per line. */
function asText(value: InputValue | undefined): string {
  if (value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  return isList(value) ? value.map((item) => asText(item)).join('\n') : JSON.stringify(value);
}

function failing<Value>(resolve: () => Value): Value {
  try {
    return resolve();
  } catch (error) {
    throw new StepFailedError(error instanceof Error ? error.message : String(error));
  }
}
