import { suggestion } from '../util/yaml-reader.ts';
import type { YamlNode } from '../util/yaml-source.ts';
import { FUNCTIONS_NOT_YET, type FunctionCall, findCall } from './function-call.ts';
import { base64 } from './functions/base64.ts';
import { fnIf } from './functions/if.ts';
import { findInMap, join, select, split } from './functions/lists.ts';
import { getAtt, ref } from './functions/references.ts';
import { sub } from './functions/sub.ts';
import type { Intrinsic, Scope } from './scope.ts';
import type { Value, ValueEntry } from './values.ts';

/** Source: AWS CloudFormation User Guide, "Intrinsic function reference". */
const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: ref,
  'Fn::Base64': base64,
  'Fn::FindInMap': findInMap,
  'Fn::GetAtt': getAtt,
  'Fn::If': fnIf,
  'Fn::Join': join,
  'Fn::Select': select,
  'Fn::Split': split,
  'Fn::Sub': sub,
};

/** Functions of conditions, which have no place where a value is wanted. */
const OF_CONDITIONS = new Set(['Condition', 'Fn::And', 'Fn::Equals', 'Fn::Not', 'Fn::Or']);

/**
 * Evaluates the functions in a part of a template. A part that is wrong adds a problem and gives undefined, and so does
 * everything that holds it.
 */
export function evaluate(node: YamlNode, scope: Scope): Value | undefined {
  const call = findCall(node, scope.problems);
  if (call === 'refused') return undefined;
  if (call !== undefined) return evaluateCall(call, scope);
  if (node.kind === 'scalar') {
    return { kind: 'text', position: node.position, parts: [node.text], empty: node.value === null };
  }
  if (node.kind === 'list') {
    const items = node.items.map((item) => evaluate(item, scope));
    if (!items.every((item) => item !== undefined)) return undefined;
    return { kind: 'list', position: node.position, items: items.filter((item) => item.kind !== 'absent') };
  }
  const entries = node.entries.map((entry): ValueEntry | undefined => {
    const value = evaluate(entry.value, scope);
    return value === undefined ? undefined : { key: entry.key, keyPosition: entry.keyPosition, value };
  });
  if (!entries.every((entry) => entry !== undefined)) return undefined;
  return { kind: 'map', position: node.position, entries: entries.filter((entry) => entry.value.kind !== 'absent') };
}

function evaluateCall({ name, written, argument, position }: FunctionCall, scope: Scope): Value | undefined {
  const intrinsic = Object.hasOwn(INTRINSICS, name) ? INTRINSICS[name] : undefined;
  if (intrinsic !== undefined) return intrinsic(argument, { scope, position, evaluate });
  const names = Object.keys(INTRINSICS);
  if (FUNCTIONS_NOT_YET.has(name)) {
    scope.problems.add(position, `Kiln does not support ${name} in templates.`, `supported: ${names.join(', ')}`);
  } else if (OF_CONDITIONS.has(name)) {
    scope.problems.add(position, `${name} is for conditions, not for values.`, 'name a condition and use Fn::If');
  } else {
    const spelled = written.startsWith('!') ? names.map((known) => `!${known.replace('Fn::', '')}`) : names;
    scope.problems.add(position, `There is no function ${written}.`, suggestion(written, spelled));
  }
  return undefined;
}
