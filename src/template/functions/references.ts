import type { Intrinsic } from '../scope.ts';
import { evaluateConstant } from './constant.ts';
import { resolveAttribute, resolveName } from './names.ts';

export const ref: Intrinsic = (argument, { scope, position }) => {
  if (argument.kind === 'scalar') return resolveName(argument.text, scope, position);
  scope.problems.add(argument.position, 'Ref takes the name of a parameter or of a resource.');
  return undefined;
};

/** `LogicalId.Attribute` or `[LogicalId, Attribute]`. */
export const getAtt: Intrinsic = (argument, { scope, position, evaluate }) => {
  const refuse = (): undefined => {
    scope.problems.add(argument.position, "Fn::GetAtt takes 'LogicalId.Attribute' or a list of the two.");
  };
  if (argument.kind === 'scalar') {
    const dot = argument.text.indexOf('.');
    if (dot <= 0) return refuse();
    return resolveAttribute(argument.text.slice(0, dot), argument.text.slice(dot + 1), scope, position);
  }
  const [logicalId, attributeNode, ...rest] = argument.kind === 'list' ? argument.items : [];
  if (logicalId?.kind !== 'scalar' || attributeNode === undefined || rest.length > 0) return refuse();
  const attribute = evaluateConstant(attributeNode, 'the attribute of Fn::GetAtt', scope, evaluate);
  return attribute === undefined ? undefined : resolveAttribute(logicalId.text, attribute, scope, position);
};
