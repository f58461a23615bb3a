/** Refusals in AWS's words that several families share. */
import type { ArnKind } from '../contract/arn.ts';
import { AwsError } from '../contract/errors.ts';

/** The resource types as error texts name them. */
export const TYPE_NAMES: Readonly<Record<ArnKind, string>> = {
  component: 'Component',
  image: 'Image',
  'image-recipe': 'ImageRecipe',
  'container-recipe': 'ContainerRecipe',
  'infrastructure-configuration': 'InfrastructureConfiguration',
  'distribution-configuration': 'DistributionConfiguration',
  'image-pipeline': 'ImagePipeline',
  'lifecycle-policy': 'LifecyclePolicy',
  workflow: 'Workflow',
};

export function alreadyExists(kind: ArnKind, arn: string): AwsError {
  return new AwsError(
    'ResourceAlreadyExistsException',
    `The following resource '${TYPE_NAMES[kind]}' already exists: '${arn}'.`,
  );
}

/** AWS's text, then what stands in the way. */
export function dependencyError(arn: string, explanation: string): AwsError {
  return new AwsError(
    'ResourceDependencyException',
    `Resource dependency error: The resource ARN '${arn}' has other resources depended on it. ${explanation}`,
  );
}

/** Members that exclude, need or contradict each other. */
export function invalidCombination(parameter: string, reason: string): AwsError {
  return new AwsError(
    'InvalidParameterCombinationException',
    `The value supplied for parameter '${parameter}' is not valid. ${reason}`,
  );
}

export function invalidVersion(parameter: string, reason: string): AwsError {
  return new AwsError(
    'InvalidVersionNumberException',
    `The value supplied for parameter '${parameter}' is not valid. ${reason}`,
  );
}
