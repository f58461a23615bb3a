import type { SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import type { YamlNode } from '../util/yaml-source.ts';
import type { Mappings } from './mappings.ts';
import type { Value } from './values.ts';

/** What names in a template stand for. */
export interface Scope {
  /** Values of parameters, text or list. */
  readonly parameters: ReadonlyMap<string, Value>;
  /** `AWS::Region` and its like. */
  readonly pseudoParameters: ReadonlyMap<string, Value>;
  readonly mappings: Mappings;
  /** By logical id. */
  readonly resources: ReadonlyMap<string, KnownResource>;
  /** Logical ids of resources whose condition does not hold. */
  readonly absent: ReadonlySet<string>;
  /** Whether a condition holds; undefined when there is no such condition or it is wrong, which has become a problem. */
  readonly holds: (condition: string, position: SourcePosition) => boolean | undefined;
  readonly problems: ProblemList;
}

/** What other parts of a template can ask of a resource. */
export interface KnownResource {
  /** What `Ref` gives: the name of an attribute, not always one of `attributes`. Undefined: it gives nothing. */
  readonly ref: string | undefined;
  /** What `Fn::GetAtt` can ask for. */
  readonly attributes: readonly string[];
  /** Of resources that are only names: these are known before anything is made. */
  readonly text?: (attribute: string) => string;
}

export type Evaluate = (node: YamlNode, scope: Scope) => Value | undefined;

/** A function of templates. What is wrong with its argument becomes a problem, and the result undefined. */
export type Intrinsic = (
  argument: YamlNode,
  call: { readonly scope: Scope; readonly position: SourcePosition; readonly evaluate: Evaluate },
) => Value | undefined;
