import { didYouMean, type SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { suggestion } from '../util/yaml-reader.ts';
import type { YamlNode } from '../util/yaml-source.ts';
import { findActionModule } from './action-modules/index.ts';
import { type ChainReference, CONTEXT_KEYS, type Expression, expressionsOf } from './component-expressions.ts';

/** A step as far as references to it go. */
export interface ReferableStep {
  readonly phase: string;
  readonly name: string;
  readonly action: string;
  /** Entries that `inputs` has. */
  readonly entries: number;
}

/** What an expression at one place may refer to. */
export interface ReferenceScope {
  /** Parameters and constants. */
  readonly names: ReadonlySet<string>;
  /** Every step by `phase.step`, in the order of the document. */
  readonly steps: ReadonlyMap<string, ReferableStep & { readonly order: number }>;
  /** Order of the step that contains the expression. */
  readonly order: number;
  /** The source, to find the exact place of an expression in a text of many lines. */
  readonly source: SourceLines;
}

/** Adds a problem for every expression below a node that refers to nothing. */
export function checkReferences(node: YamlNode, scope: ReferenceScope, problems: ProblemList): void {
  if (node.kind === 'list') {
    for (const item of node.items) checkReferences(item, scope, problems);
  } else if (node.kind === 'map') {
    for (const entry of node.entries) checkReferences(entry.value, scope, problems);
  } else {
    for (const expression of expressionsOf(node.text)) {
      const wrong = whatIsWrong(expression, scope);
      if (wrong !== undefined) problems.add(scope.source.find(expression.source, node.position), ...wrong);
    }
  }
}

type Wrong = [message: string, hint?: string];

function whatIsWrong({ source, reference }: Expression, scope: ReferenceScope): Wrong | undefined {
  switch (reference.kind) {
    case 'name':
      if (scope.names.has(reference.name)) return undefined;
      return [
        `${source} is neither a parameter nor a constant of this document.`,
        scope.names.size === 0
          ? 'declare it below parameters or constants'
          : suggestion(reference.name, [...scope.names]),
      ];
    case 'chain':
      return whatIsWrongWithChain(source, reference, scope);
    case 'context':
      if (CONTEXT_KEYS.some((key) => key === reference.key)) return undefined;
      return [`${source} is not known.`, suggestion(reference.key, CONTEXT_KEYS)];
    case 'imds':
      return whatIsWrongWithMetadata(source, reference.path);
    case 'ssm':
      if (reference.through !== 'document' || scope.names.has(reference.name)) return undefined;
      return [
        `${source}: ${reference.name} is neither a parameter nor a constant of this document.`,
        suggestion(reference.name, [...scope.names]),
      ];
    case 'malformed':
      return [
        `${source} is not a valid reference.`,
        likelyMeant(source) ??
          'forms: name, phase.step.inputs.x, phase.step.outputs.x, loop.value, env:NAME, context:KEY, aws:ssm:NAME, aws:ssm:resolve(NAME), aws:imds:PATH',
      ];
    case 'env':
    // A loop reference outside of a loop stays as it is written (User Guide, "Use looping constructs").
    case 'loop':
      return undefined;
  }
}

/** What stands between the words of a reference, misspelled. */
function likelyMeant(source: string): string | undefined {
  const words = source.slice(2, -2).trim().split('.');
  const [first = '', second = '', third = '', ...rest] = words;
  const from = didYouMean(third.replace(/\[.*/, ''), ['inputs', 'outputs']);
  if (rest.length === 1 && from !== undefined) return `did you mean '${first}.${second}.${from}.${rest[0]}'?`;
  const variable = words.length === 2 ? didYouMean(second, ['index', 'value', 'item', 'key']) : undefined;
  if (variable === undefined) return undefined;
  return `of a loop there are '${first}.value' and '${first}.index'`;
}

/** Whatever spelling a server might take for the same path is refused as well. */
function whatIsWrongWithMetadata(source: string, path: string): Wrong | undefined {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => /^\.+$/.test(segment))) return [`${source} has a step that is no name.`];
  if (!/^(iam|identity-credentials)$/i.test(segments[0] ?? '')) return undefined;
  return [`${source} is not allowed: credentials are kept out of documents.`];
}

function whatIsWrongWithChain(source: string, reference: ChainReference, scope: ReferenceScope): Wrong | undefined {
  const key = `${reference.phase}.${reference.step}`;
  const step = scope.steps.get(key);
  if (step === undefined) {
    return [
      `${source}: there is no step '${reference.step}' in a phase '${reference.phase}'.`,
      suggestion(key, [...scope.steps.keys()].slice(0, 50)),
    ];
  }
  if (step.order === scope.order) return [`${source} refers to its own step.`];
  if (step.order > scope.order) return [`${source}: the step '${step.name}' runs later.`];
  const module = findActionModule(step.action);
  if (module === undefined) return undefined;
  return reference.from === 'outputs'
    ? whatIsWrongWithOutput(source, reference, Object.keys(module.outputs), step.action)
    : whatIsWrongWithInput(source, reference, step, module.shape, Object.keys(module.inputs));
}

function whatIsWrongWithOutput(
  source: string,
  reference: ChainReference,
  outputs: readonly string[],
  action: string,
): Wrong | undefined {
  if (outputs.length === 0) return [`${source}: ${action} has no outputs.`];
  if (!outputs.includes(reference.variable)) {
    return [`${source}: ${action} has no output '${reference.variable}'.`, suggestion(reference.variable, outputs)];
  }
  return (reference.index ?? 0) === 0
    ? undefined
    : [`${source}: ${action} has one set of outputs.`, 'use no index, or [0]'];
}

function whatIsWrongWithInput(
  source: string,
  reference: ChainReference,
  step: ReferableStep,
  shape: 'map' | 'list' | 'condition',
  inputs: readonly string[],
): Wrong | undefined {
  if (shape === 'condition') return [`${source}: the inputs of ${step.action} cannot be referred to.`];
  if (!inputs.includes(reference.variable)) {
    return [`${source}: ${step.action} has no input '${reference.variable}'.`, suggestion(reference.variable, inputs)];
  }
  if (shape === 'map') {
    return (reference.index ?? 0) === 0
      ? undefined
      : [`${source}: the inputs of ${step.action} are a map.`, 'use no index'];
  }
  if (reference.index === undefined) {
    return [`${source}: the inputs of ${step.action} are a list.`, `use inputs[0].${reference.variable}`];
  }
  if (reference.index < step.entries) return undefined;
  return [`${source}: the step '${step.name}' has ${step.entries} entries.`, 'the first is [0]'];
}

/** The text of a document, to find places in it. */
export class SourceLines {
  readonly #text: string;
  #starts: readonly number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where `needle` first stands at or after `from`; `from` itself when it is not there as it is (escapes, folding). */
  find(needle: string, from: SourcePosition): SourcePosition {
    const starts = this.#lineStarts();
    const offset = this.#text.indexOf(needle, (starts[from.line - 1] ?? 0) + from.column - 1);
    if (offset < 0) return from;
    let low = from.line - 1;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }

  #lineStarts(): readonly number[] {
    if (this.#starts === undefined) {
      const starts = [0];
      for (let at = this.#text.indexOf('\n'); at >= 0; at = this.#text.indexOf('\n', at + 1)) starts.push(at + 1);
      this.#starts = starts;
    }
    return this.#starts;
  }
}
