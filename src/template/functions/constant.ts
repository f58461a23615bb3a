import type { YamlNode } from '../../util/yaml-source.ts';
import type { Evaluate, Scope } from '../scope.ts';
import { constantText, nounOf, type Value } from '../values.ts';

/** A text that must be known before anything is created. */
export function evaluateConstant(node: YamlNode, what: string, scope: Scope, evaluate: Evaluate): string | undefined {
  const value = evaluate(node, scope);
  return value === undefined ? undefined : requireConstant(value, node, what, scope);
}

/** The text of a value; anything else than a constant text becomes a problem. */
export function requireConstant(value: Value, node: YamlNode, what: string, { problems }: Scope): string | undefined {
  const text = value.kind === 'text' ? constantText(value) : undefined;
  if (text === undefined) {
    const pending = value.kind === 'text' || value.kind === 'pieces';
    const reason = pending ? 'must not depend on a resource' : `must be a text, not ${nounOf(value)}`;
    problems.add(node.position, `${what.charAt(0).toUpperCase()}${what.slice(1)} ${reason}.`);
  }
  return text;
}
