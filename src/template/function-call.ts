import type { SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import type { YamlNode } from '../util/yaml-source.ts';

/** A call of an intrinsic function, in either of its spellings: `!Sub x` or `{ "Fn::Sub": x }`. */
export interface FunctionCall {
  /** `Ref`, `Condition`, `Fn::Sub`. */
  readonly name: string;
  /** As the author wrote it. */
  readonly written: string;
  readonly argument: YamlNode;
  readonly position: SourcePosition;
}

/** What CloudFormation has and Kiln has not, so that it is refused by its name and not as a typing error. */
export const FUNCTIONS_NOT_YET: ReadonlySet<string> = new Set([
  'Fn::Cidr',
  'Fn::ForEach',
  'Fn::GetAZs',
  'Fn::GetStackOutput',
  'Fn::ImportValue',
  'Fn::Length',
  'Fn::RefAll',
  'Fn::ToJsonString',
  'Fn::Transform',
  'Fn::ValueOf',
  'Fn::ValueOfAll',
]);

/**
 * The call that a node is; undefined when it is data, `'refused'` when it is neither (then there is a problem).
 * A map with the key `Condition` is a call only where conditions are read: in a policy document it is data.
 */
export function findCall(
  node: YamlNode,
  problems: ProblemList,
  place: 'values' | 'conditions' = 'values',
): FunctionCall | 'refused' | undefined {
  if (node.tag !== undefined) {
    const word = node.tag.slice(1);
    const name = word === 'Ref' || word === 'Condition' ? word : `Fn::${word}`;
    return { name, written: node.tag, argument: { ...node, tag: undefined }, position: node.position };
  }
  if (node.kind !== 'map') return undefined;
  const isName = (key: string): boolean =>
    key === 'Ref' || key.startsWith('Fn::') || (place === 'conditions' && key === 'Condition');
  const entry = node.entries.find(({ key }) => isName(key));
  if (entry === undefined) return undefined;
  if (node.entries.length > 1) {
    problems.add(entry.keyPosition, `${entry.key} must be the only key of its map.`);
    return 'refused';
  }
  return { name: entry.key, written: entry.key, argument: entry.value, position: entry.keyPosition };
}
