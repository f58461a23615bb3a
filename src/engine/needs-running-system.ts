import type { ComponentDocument, InputValue, Step } from '../documents/component.ts';
import { resolveText, UnresolvedExpressionError } from '../documents/component-expressions.ts';
import { namesOf } from '../documents/component-names.ts';
import { SCRIPT_NEEDS } from './script-needs.ts';

/** A place in a document that only a running system can obey. */
export interface RunningSystemNeed {
  readonly phase: string;
  readonly step: string;
  /** What it is, for people: `starts a service`. */
  readonly why: string;
}

/**
 * The first place in the phases of a document that needs a running system; undefined when none is seen.
 *
 * @param parameters As given to the component; others have their defaults.
 */
export function runningSystemNeed(
  document: ComponentDocument,
  phases: readonly string[],
  parameters: Readonly<Record<string, string>> = {},
): RunningSystemNeed | undefined {
  const names = namesOf(document, parameters);
  for (const phase of document.phases) {
    if (!phases.includes(phase.name)) continue;
    for (const step of phase.steps) {
      const why = needOf(step, names);
      if (why !== undefined) return { phase: phase.name, step: step.name, why };
    }
  }
  return undefined;
}

function needOf({ action, inputs }: Step, names: ReadonlyMap<string, string>): string | undefined {
  if (action === 'Reboot') return 'asks for a reboot';
  const texts = inputs.map((one) =>
    Object.values(one)
      .flatMap(textsOf)
      .map((text) => withNames(text, names)),
  );
  if (action === 'ExecuteBinary') return needOfScript(texts.map((words) => words.join(' ')).join('\n'));
  const text = texts.flat().join('\n');
  if (action === 'ExecuteBash') return needOfScript(withoutComments(text));
  return /169\.254\.169\.254/.test(text) ? 'asks for the metadata of the instance' : undefined;
}

function withNames(text: string, names: ReadonlyMap<string, string>): string {
  try {
    return resolveText(text, ({ reference }) => (reference.kind === 'name' ? names.get(reference.name) : undefined));
  } catch (error) {
    // Too long: the step will fail by itself.
    if (error instanceof UnresolvedExpressionError) return text;
    throw error;
  }
}

function needOfScript(script: string): string | undefined {
  const read = script
    .split('\n')
    .map((line) => (WRITES.test(line) ? line : line.replace(HELPERS, '$1')))
    .join('\n');
  return SCRIPT_NEEDS.find(({ pattern }) => pattern.test(read))?.why;
}

/** `make -j$(nproc)`: how many helpers a program has while it works is not in what it makes. */
const HELPERS =
  /(?<!\S)(-[jPT]|--(?:jobs|parallel|max-procs|threads))[\s=]*["']?(?:\$\(\(\s*)?(?:\$\(\s*nproc\s*\)|`\s*nproc\s*`)/g;

/** What a line says is in a file then. */
const WRITES = /\b(?:echo|printf|tee|sed)\b/;

/** A `#` that begins a word begins a comment, unless it is quoted; then the line is kept whole, which can only cost a boot. */
function withoutComments(script: string): string {
  return script
    .split('\n')
    .map((line) => (/['"]/.test(line) ? line : line.replace(/(^|\s)#.*$/, '$1')))
    .join('\n');
}

function textsOf(value: InputValue): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value === 'object') return Object.values(value).flatMap(textsOf);
  return [String(value)];
}
