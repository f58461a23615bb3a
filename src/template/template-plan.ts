import type { SourcePosition } from '../util/problem.ts';
import type { EncodedProperties } from './encode-properties.ts';
import type { NamedResource } from './named-resources.ts';
import type { Retained } from './read-resources.ts';
import type { ResourceTypeName } from './resource-types.ts';
import type { TextValue } from './values.ts';

/** What applying a template will do. Nothing in it can be wrong any more without asking the service. */
export interface TemplatePlan {
  readonly file: string;
  readonly stackName: string;
  /** Each after everything that it needs. */
  readonly resources: readonly PlannedResource[];
  /** Resources of other services, of which Kiln has nothing but the names. */
  readonly names: readonly NamedResource[];
  readonly outputs: readonly PlannedOutput[];
}

export interface PlannedResource extends EncodedProperties {
  readonly logicalId: string;
  readonly type: ResourceTypeName;
  /** Where its logical id stands. */
  readonly position: SourcePosition;
  /** Names of all members that its Create operation takes. */
  readonly members: readonly string[];
  /** Of components, workflows and container recipes whose document lies in a file: its content. */
  readonly document: string | undefined;
  readonly retained: Retained;
}

export interface PlannedOutput {
  readonly name: string;
  readonly value: TextValue;
}

/** The place of a member, or of the nearest one that holds it. */
export function placeOf(
  path: string,
  { positions, position }: Pick<PlannedResource, 'positions' | 'position'>,
): SourcePosition {
  let nearest = path;
  while (nearest !== '') {
    const place = positions.get(nearest);
    if (place !== undefined) return place;
    nearest = nearest.replace(/(?:^|\.)[^.[]*$|\[[0-9]+\]$/, '');
  }
  return position;
}
