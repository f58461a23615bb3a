import type { Attributes } from './attributes.ts';
import { ChangedUnderSameVersion } from './changed-under-same-version.ts';
import { settle } from './encode-properties.ts';
import { describe, type EnsureOptions } from './ensure-definition.ts';
import { findDefinition, mayBeSame } from './find-definition.ts';
import { definitionOf, type PlannedDefinition } from './planned-definition.ts';
import { explainRefusal } from './refusals.ts';
import { RESOURCE_OPERATIONS } from './resource-operations.ts';
import type { Members } from './service-call.ts';
import type { TemplatePlan } from './template-plan.ts';

/**
 * Refuses what the service would refuse after a part of the template was applied: a recipe whose version is taken, because
 * it was changed or pins a component that is to get a new build, and what belongs to another stack. Changes nothing.
 *
 * @throws InvalidDocumentError with a place in the template; other errors of the service as they come.
 */
export async function refuseBeforehand(plan: TemplatePlan, options: EnsureOptions): Promise<void> {
  const known = new Map<string, Attributes>();
  const images = new Set(
    plan.resources.filter((one) => definitionOf(plan, one) === undefined).map((one) => one.logicalId),
  );
  for (const planned of plan.resources) {
    const definition = definitionOf(plan, planned);
    if (definition === undefined) continue;
    let namesImage = false;
    const input = settle(planned.input, ({ logicalId, attribute }) => {
      namesImage ||= images.has(logicalId);
      // No attribute looks like it: whatever names what is still to be made differs from all that is there.
      return known.get(logicalId)?.[attribute] ?? `\0${logicalId}`;
    }) as Members;
    try {
      const attributes = await attributesThen(definition, input, namesImage, options);
      if (attributes !== undefined) known.set(planned.logicalId, attributes);
    } catch (error) {
      throw explainRefusal(error, plan.file, planned);
    }
  }
}

/** The attributes that it will have; undefined when it will be made. */
async function attributesThen(
  planned: PlannedDefinition,
  input: Members,
  namesImage: boolean,
  options: EnsureOptions,
): Promise<Attributes | undefined> {
  const { type } = planned;
  const { existing, differences } = await findDefinition(planned, input, options);
  if (existing === undefined) return undefined;
  const { attributes } = describe('unchanged', String(existing['arn']), existing);
  // Whether an image stays what it is shows when it is its turn.
  const mayStay = differences.length === 0 || mayBeSame(planned, input, differences) || namesImage;
  if (mayStay || RESOURCE_OPERATIONS[type].update !== undefined) return attributes;
  const isRecipe = type === 'AWS::ImageBuilder::ImageRecipe' || type === 'AWS::ImageBuilder::ContainerRecipe';
  if (!isRecipe) return withoutBuild(attributes);
  if (String(input['semanticVersion']).includes('x')) return undefined;
  const name = type.slice(type.lastIndexOf(':') + 1);
  const refusal = new Error(`The following resource '${name}' already exists: '${existing['arn']}'.`);
  refusal.name = 'ResourceAlreadyExistsException';
  throw new ChangedUnderSameVersion(refusal, differences);
}

/** Of the next build: what does not say which one it is. */
function withoutBuild({ Arn: _, ...attributes }: Attributes): Attributes {
  return attributes;
}
