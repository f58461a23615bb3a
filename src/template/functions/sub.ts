import type { SourcePosition } from '../../util/problem.ts';
import type { YamlMap } from '../../util/yaml-source.ts';
import type { Evaluate, Intrinsic, Scope } from '../scope.ts';
import { nounOf, type TextPart, textValue, type Value } from '../values.ts';
import { resolveAttribute, resolveName } from './names.ts';

/** `text` or `[text, {Name: value}]`; `${!Name}` stands for the text `${Name}`. */
export const sub: Intrinsic = (argument, { scope, position, evaluate }) => {
  const [template, variablesNode, ...rest] = argument.kind === 'list' ? argument.items : [argument];
  if (template?.kind !== 'scalar' || rest.length > 0 || (argument.kind === 'list' && variablesNode?.kind !== 'map')) {
    scope.problems.add(argument.position, 'Fn::Sub takes a text, or a list of a text and a map of variables.');
    return undefined;
  }
  const variables =
    variablesNode?.kind === 'map' ? evaluateVariables(variablesNode, scope, evaluate) : new Map<string, Value>();
  if (variables === undefined) return undefined;

  const parts: TextPart[] = [];
  let complete = true;
  let end = 0;
  for (const match of template.text.matchAll(/\$\{([^}]*)\}/g)) {
    parts.push(template.text.slice(end, match.index));
    end = match.index + match[0].length;
    const name = match[1] ?? '';
    if (name.startsWith('!')) {
      parts.push(`\${${name.slice(1)}}`);
      continue;
    }
    const value = resolveVariable(name.trim(), variables, scope, template.position);
    if (value?.kind === 'text') parts.push(...value.parts);
    else complete = false;
    if (value !== undefined && value.kind !== 'text') {
      scope.problems.add(template.position, `\${${name}} is ${nounOf(value)}, which cannot be put into a text.`);
    }
  }
  parts.push(template.text.slice(end));
  return complete ? textValue(position, ...parts) : undefined;
};

function evaluateVariables(node: YamlMap, scope: Scope, evaluate: Evaluate): ReadonlyMap<string, Value> | undefined {
  const variables = new Map<string, Value>();
  for (const entry of node.entries) {
    const value = evaluate(entry.value, scope);
    if (value === undefined) return undefined;
    variables.set(entry.key, value);
  }
  return variables;
}

function resolveVariable(
  name: string,
  variables: ReadonlyMap<string, Value>,
  scope: Scope,
  position: SourcePosition,
): Value | undefined {
  const variable = variables.get(name);
  if (variable !== undefined) return variable;
  const dot = name.indexOf('.');
  if (dot > 0) return resolveAttribute(name.slice(0, dot), name.slice(dot + 1), scope, position);
  return resolveName(name, scope, position);
}
