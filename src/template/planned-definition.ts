import { PendingText } from './encode-properties.ts';
import type { DefinitionTypeName } from './resource-operations.ts';
import type { PlannedResource, TemplatePlan } from './template-plan.ts';
import type { TextPart } from './values.ts';

/** A resource of a template that is a definition of the service: anything but an image. */
export interface PlannedDefinition extends PlannedResource {
  readonly type: DefinitionTypeName;
  readonly file: string;
  /** Whether something in the template means its newest build, whatever that is. */
  readonly isFollowed: boolean;
}

/** Undefined for an image. */
export function definitionOf(
  { file, resources }: Pick<TemplatePlan, 'file' | 'resources'>,
  planned: PlannedResource,
): PlannedDefinition | undefined {
  const { type, logicalId } = planned;
  if (type === 'AWS::ImageBuilder::Image') return undefined;
  return { ...planned, type, file, isFollowed: resources.some(({ input }) => follows(input, logicalId)) };
}

function follows(value: unknown, logicalId: string): boolean {
  if (value instanceof PendingText) return value.parts.some((part) => isNewestOf(part, logicalId));
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((member) => follows(member, logicalId));
}

function isNewestOf(part: TextPart, logicalId: string): boolean {
  if (typeof part === 'string') return false;
  if ('of' in part) return part.of.some((piece) => isNewestOf(piece, logicalId));
  return part.logicalId === logicalId && part.attribute.startsWith('LatestVersion.');
}
