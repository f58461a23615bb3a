import { decodeInput } from '../contract/decode.ts';
import { AwsError } from '../contract/errors.ts';
import type { OperationModel } from '../contract/model.types.ts';
import { refuseUnsupportedMembers } from '../resources/unsupported-members.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { DOCUMENT_MEMBERS } from './document-members.ts';
import { settle } from './encode-properties.ts';
import type { Template } from './read-template.ts';
import type { ResourceTypeName } from './resource-types.ts';
import { type PlannedResource, placeOf } from './template-plan.ts';
import type { AttributeReference } from './values.ts';

/**
 * Checks a planned resource as the service will: patterns, lengths and ranges of the contract, and what Kiln does not
 * have yet. So a template with a wrong name in its last resource is refused before its first one is created.
 */
export function checkConstraints(
  planned: PlannedResource,
  operation: OperationModel,
  template: Template,
  problems: ProblemList,
): void {
  const settled = settle(planned.input, (to) => placeholder(to, template)) as Readonly<Record<string, unknown>>;
  // A document in a file was checked as a document; how it gets to the service is decided when it is applied.
  const sent = planned.document === undefined ? undefined : DOCUMENT_MEMBERS[planned.type]?.uri;
  const input = Object.fromEntries(Object.entries(settled).filter(([member]) => member !== sent));
  try {
    const body = { ...input, clientToken: 'plan' };
    decodeInput(operation, { labels: {}, query: new URLSearchParams(), body });
    refuseUnsupportedMembers(operation.name, input);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    for (const line of error.message.split('\n')) {
      const path = /'([^']+)'/.exec(line)?.[1] ?? '';
      problems.add(placeOf(path, planned), line);
    }
  }
}

/** What the ARN of a resource that is not there yet looks like. */
const ARNS: Readonly<Record<ResourceTypeName, string>> = {
  'AWS::ImageBuilder::Component': 'component/name/1.0.0/1',
  'AWS::ImageBuilder::ImageRecipe': 'image-recipe/name/1.0.0',
  'AWS::ImageBuilder::ContainerRecipe': 'container-recipe/name/1.0.0',
  'AWS::ImageBuilder::Workflow': 'workflow/build/name/1.0.0/1',
  'AWS::ImageBuilder::LifecyclePolicy': 'lifecycle-policy/name',
  'AWS::ImageBuilder::InfrastructureConfiguration': 'infrastructure-configuration/name',
  'AWS::ImageBuilder::DistributionConfiguration': 'distribution-configuration/name',
  'AWS::ImageBuilder::ImagePipeline': 'image-pipeline/name',
  'AWS::ImageBuilder::Image': 'image/name/1.0.0/1',
};

function placeholder({ logicalId, attribute }: AttributeReference, template: Template): string {
  const type = template.resources.get(logicalId)?.type as ResourceTypeName | undefined;
  if (attribute === 'ImageId') return 'ami-0123456789abcdef0';
  const isArn = attribute === 'Arn' || attribute.startsWith('LatestVersion.');
  return isArn && type !== undefined ? `arn:aws:imagebuilder:us-east-1:123456789012:${ARNS[type]}` : 'name';
}
