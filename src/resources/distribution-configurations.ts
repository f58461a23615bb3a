import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import { described, findDefinition } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { checkDistributions } from './distributions.ts';
import { changeOnce } from './idempotency.ts';
import { createNamed, updateNamed } from './named-definitions.ts';
import { checkQuota } from './quotas.ts';
import { RequestProblems } from './request-problems.ts';
import type { CheckContext, Service } from './service.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';

const KIND = 'distribution-configuration';
/** A required member of the output that AWS documents as unused; the maximum of its range. */
const TIMEOUT_MINUTES = 720;

export async function createDistributionConfiguration(
  service: Service,
  input: InputOf<'CreateDistributionConfiguration'>,
): Promise<OutputOf<'CreateDistributionConfiguration'>> {
  const problems = new RequestProblems();
  checkDistribution('CreateDistributionConfiguration', service, input, problems);
  problems.throwIfAny();
  return changeOnce(service, 'CreateDistributionConfiguration', input, async (trx) => ({
    distributionConfigurationArn: await createNamed(service, trx, KIND, input, settings(input)),
  }));
}

/** Replaces everything but name, creation date and tags. Images that were distributed already stay as they are. */
export async function updateDistributionConfiguration(
  service: Service,
  input: InputOf<'UpdateDistributionConfiguration'>,
): Promise<OutputOf<'UpdateDistributionConfiguration'>> {
  const problems = new RequestProblems();
  checkDistribution('UpdateDistributionConfiguration', service, input, problems);
  return changeOnce(service, 'UpdateDistributionConfiguration', input, async (trx) => {
    const { distributionConfigurationArn: arn } = input;
    const at = { arn, parameter: 'distributionConfigurationArn' };
    await problems.collect(() => updateNamed(service, trx, KIND, at, settings(input)));
    problems.throwIfAny();
    return { distributionConfigurationArn: arn };
  });
}

type Settings = Pick<InputOf<'CreateDistributionConfiguration'>, 'description' | 'distributions'>;

/** Reports what is wrong with a request to create or update. */
export function checkDistribution(
  operation: 'CreateDistributionConfiguration' | 'UpdateDistributionConfiguration',
  context: CheckContext,
  input: Partly<Settings>,
  problems: RequestProblems,
): void {
  reportUnsupportedMembers(operation, input, problems);
  const { distributions } = input;
  if (distributions === undefined) return;
  checkDistributions(distributions, context.region, problems);
  problems.attempt(() => checkQuota(context, 'amiCopiesPerDistributionConfiguration', distributions.length));
}

function settings({ description, distributions }: Settings) {
  return { description, distributions, timeoutMinutes: TIMEOUT_MINUTES };
}

export async function getDistributionConfiguration(
  service: Service,
  input: InputOf<'GetDistributionConfiguration'>,
): Promise<OutputOf<'GetDistributionConfiguration'>> {
  const arn = input.distributionConfigurationArn;
  const found = await findDefinition(service.db, KIND, arn, 'distributionConfigurationArn');
  return { distributionConfiguration: { timeoutMinutes: TIMEOUT_MINUTES, ...described(found) } };
}

export async function deleteDistributionConfiguration(
  service: Service,
  input: InputOf<'DeleteDistributionConfiguration'>,
): Promise<OutputOf<'DeleteDistributionConfiguration'>> {
  const arn = input.distributionConfigurationArn;
  await deleteDefinition(service, KIND, arn, 'distributionConfigurationArn');
  return { distributionConfigurationArn: arn };
}
