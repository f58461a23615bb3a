/** Refusals in AWS's words that several families share. */
import type { ArnKind } from '../contract/arn.ts';
import { AwsError, memberError } from '../contract/errors.ts';

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

/** Members that exclude, need or contradict each other: the one that is told, and the others that it depends on. */
export function invalidCombination(parameter: string, reason: string, others: readonly string[] = []): AwsError {
  return memberError('InvalidParameterCombinationException', parameter, reason, others);
}

/** Two members of which a request must have one. */
export function notExactlyOne(one: string, other: string): AwsError {
  return new AwsError(
    'InvalidParameterCombinationException',
    `Exactly one of the parameters '${one}' and '${other}' must be given.`,
    { members: [one, other] },
  );
}

export function invalidVersion(parameter: string, reason: string): AwsError {
  return memberError('InvalidVersionNumberException', parameter, reason);
}
