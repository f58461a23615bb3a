/**
 * Filter patterns of CloudWatch Logs for unstructured text: terms, "phrases", -exclusions, ?alternatives and %regular
 * expressions%. Source: CloudWatch Logs User Guide, "Filter pattern syntax". Patterns for JSON and for columns, which
 * builds do not write, are refused.
 */
import { RE2JS } from 're2js';
import { AwsError } from '../../contract/errors.ts';

export type FilterPattern = (message: string) => boolean;

const TERM = /(?<sign>[-?]?)(?:"(?<phrase>(?:[^"\\]|\\.)*)"|%(?<expression>[^%]*)%|(?<word>[^\s"%]+))(?=\s|$)/gy;
const MOST_TERMS = 50;

/** Terms are case-sensitive. An empty pattern means everything. Throws InvalidParameterException. */
export function parseFilterPattern(pattern: string): FilterPattern {
  const text = pattern.trim();
  if (/^[{[]/.test(text)) {
    throw invalid('Kiln does not support filter patterns for JSON ({…}) and for columns ([…]).');
  }
  const terms: { readonly sign: string; readonly has: FilterPattern }[] = [];
  for (let at = 0; at < text.length; ) {
    TERM.lastIndex = at;
    const groups = TERM.exec(text)?.groups;
    if (groups === undefined) throw invalid(`The filter pattern is not well-formed at '${text.slice(at, at + 40)}'.`);
    terms.push({ sign: groups['sign'] ?? '', has: readTerm(groups) });
    at = TERM.lastIndex + (/^\s*/.exec(text.slice(TERM.lastIndex))?.[0].length ?? 0);
  }
  if (terms.length > MOST_TERMS) throw invalid(`A filter pattern has at most ${MOST_TERMS} terms.`);
  const of = (sign: string): readonly FilterPattern[] =>
    terms.filter((term) => term.sign === sign).map(({ has }) => has);
  const [required, excluded, alternatives] = [of(''), of('-'), of('?')];
  return (message) =>
    required.every((has) => has(message)) &&
    !excluded.some((has) => has(message)) &&
    (alternatives.length === 0 || required.length > 0 || alternatives.some((has) => has(message)));
}

function readTerm(groups: Readonly<Record<string, string | undefined>>): FilterPattern {
  const { phrase, expression, word = '' } = groups;
  if (expression !== undefined) return readExpression(expression);
  const text = phrase === undefined ? word : phrase.replace(/\\(.)/g, '$1');
  return (message) => message.includes(text);
}

/** In time that grows with the message only, whatever the expression. */
function readExpression(expression: string): FilterPattern {
  try {
    const compiled = RE2JS.compile(expression);
    return (message) => compiled.matcher(message).find();
  } catch {
    throw invalid(`'${expression.slice(0, 80)}' is not a regular expression.`);
  }
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}
