import type { Intrinsic } from '../scope.ts';

/**
 * `[condition, value when it holds, value when not]`. Both values are evaluated, so that a mistake in either is found;
 * only the chosen one may name resources that are not there.
 */
export const fnIf: Intrinsic = (argument, { scope, evaluate }) => {
  const [name, yes, no, ...rest] = argument.kind === 'list' ? argument.items : [];
  if (name?.kind !== 'scalar' || yes === undefined || no === undefined || rest.length > 0) {
    scope.problems.add(argument.position, 'Fn::If takes a list of the name of a condition and two values.');
    return undefined;
  }
  const holds = scope.holds(name.text, name.position);
  const [chosen, other] = holds === false ? [no, yes] : [yes, no];
  const lenient = { ...scope, absent: new Set<string>() };
  const right = evaluate(other, lenient) !== undefined;
  const value = evaluate(chosen, holds === undefined ? lenient : scope);
  return right && holds !== undefined ? value : undefined;
};
