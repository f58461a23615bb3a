import type { Attributes } from './attributes.ts';
import { settle } from './encode-properties.ts';
import { type EnsureOptions, ensureDefinition, type Outcome } from './ensure-definition.ts';
import { definitionOf } from './planned-definition.ts';
import { explainRefusal } from './refusals.ts';
import { refuseBeforehand } from './refuse-beforehand.ts';
import type { ResourceTypeName } from './resource-types.ts';
import type { Members } from './service-call.ts';
import type { TemplatePlan } from './template-plan.ts';
import { type AttributeReference, joinParts } from './values.ts';

export interface ApplyOptions extends EnsureOptions {
  /**
   * Makes an image that the template asks for; resolves when it is AVAILABLE and rejects when it cannot be made.
   * Undefined: images are only collected.
   */
  readonly ensureImage?: (image: WantedImage) => Promise<EnsuredImage>;
  /** Told of each resource as soon as it is as the template wants it. */
  readonly onApplied?: (resource: AppliedResource) => void;
}

export interface AppliedResource {
  readonly logicalId: string;
  readonly type: ResourceTypeName;
  readonly arn: string;
  readonly outcome: Outcome;
}

/** A build that the template asks for: the input of CreateImage. */
export interface WantedImage {
  readonly logicalId: string;
  readonly input: Members;
}

export interface EnsuredImage {
  readonly arn: string;
  readonly outcome: Outcome;
  readonly attributes: Attributes;
}

export interface AppliedTemplate {
  readonly resources: readonly AppliedResource[];
  /** Those that were not built. */
  readonly images: readonly WantedImage[];
  /** Attributes of the applied resources by logical id. */
  readonly attributes: ReadonlyMap<string, Attributes>;
}

/**
 * Makes the service's definitions what the plan wants: creates what is missing, updates what AWS lets one update,
 * leaves alone what is the same. Applying the same plan again changes nothing.
 *
 * @throws InvalidDocumentError with a place in the template when the service refuses a definition; other errors of the
 *   service as they come. What can be known beforehand is refused before anything is created (refuse-beforehand.ts); else
 *   what was applied before stays.
 */
export async function applyTemplate(plan: TemplatePlan, options: ApplyOptions): Promise<AppliedTemplate> {
  const attributes = new Map<string, Attributes>();
  const resources: AppliedResource[] = [];
  const images: WantedImage[] = [];
  const attributeOf = ({ logicalId, attribute }: AttributeReference): string | undefined =>
    attributes.get(logicalId)?.[attribute];

  await refuseBeforehand(plan, options);
  for (const planned of plan.resources) {
    const { logicalId, type } = planned;
    const input = settle(planned.input, attributeOf) as Members;
    const definition = definitionOf(plan, planned);
    try {
      if (definition === undefined && options.ensureImage === undefined) {
        images.push({ logicalId, input });
        continue;
      }
      const ensured =
        definition === undefined
          ? await options.ensureImage?.({ logicalId, input })
          : await ensureDefinition(definition, input, options);
      if (ensured === undefined) continue;
      const applied = { logicalId, type, arn: ensured.arn, outcome: ensured.outcome };
      attributes.set(logicalId, ensured.attributes);
      resources.push(applied);
      options.onApplied?.(applied);
    } catch (error) {
      throw explainRefusal(error, plan.file, planned);
    }
  }
  return { resources, images, attributes };
}

/** The template's outputs; those that speak of an image which was not built have no value. */
export function evaluateOutputs(
  plan: TemplatePlan,
  attributes: ReadonlyMap<string, Attributes>,
): readonly { readonly name: string; readonly value: string }[] {
  return plan.outputs.flatMap(({ name, value }) => {
    const text = joinParts(value.parts, ({ logicalId, attribute }) => attributes.get(logicalId)?.[attribute]);
    return text === undefined ? [] : [{ name, value: text }];
  });
}
