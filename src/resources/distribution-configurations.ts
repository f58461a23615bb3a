import type { InputOf, OutputOf } from '../contract/operations.ts';
import {
  described,
  findDefinition,
  insertDefinition,
  lockDefinition,
  ownArn,
  updateDefinition,
} from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { checkDistributions } from './distributions.ts';
import { changeOnce } from './idempotency.ts';
import { checkQuota } from './quotas.ts';
import type { Service } from './service.ts';
import { refuseUnsupportedMembers } from './unsupported-members.ts';

const KIND = 'distribution-configuration';
/** A required member of the output that AWS documents as unused; the maximum of its range. */
const TIMEOUT_MINUTES = 720;

export async function createDistributionConfiguration(
  service: Service,
  input: InputOf<'CreateDistributionConfiguration'>,
): Promise<OutputOf<'CreateDistributionConfiguration'>> {
  refuseUnsupportedMembers('CreateDistributionConfiguration', input);
  checkDistributions(input.distributions, service.region);
  checkQuota(service, 'amiCopiesPerDistributionConfiguration', input.distributions.length);
  return changeOnce(service, 'CreateDistributionConfiguration', input, async (trx) => {
    const arn = await insertDefinition(service, trx, {
      arn: { ...ownArn(service, KIND, input.name), kind: KIND },
      name: input.name,
      document: {
        name: input.name,
        description: input.description,
        distributions: input.distributions,
        timeoutMinutes: TIMEOUT_MINUTES,
        dateCreated: service.clock.now().toISOString(),
      },
      tags: input.tags,
    });
    return { distributionConfigurationArn: arn };
  });
}

/** Replaces everything but name, creation date and tags. Images that were distributed already stay as they are. */
export async function updateDistributionConfiguration(
  service: Service,
  input: InputOf<'UpdateDistributionConfiguration'>,
): Promise<OutputOf<'UpdateDistributionConfiguration'>> {
  refuseUnsupportedMembers('UpdateDistributionConfiguration', input);
  checkDistributions(input.distributions, service.region);
  checkQuota(service, 'amiCopiesPerDistributionConfiguration', input.distributions.length);
  return changeOnce(service, 'UpdateDistributionConfiguration', input, async (trx) => {
    const { distributionConfigurationArn: arn } = input;
    const { document } = await lockDefinition(trx, KIND, arn, 'distributionConfigurationArn');
    await updateDefinition(service, trx, arn, {
      name: document['name'],
      description: input.description,
      distributions: input.distributions,
      timeoutMinutes: TIMEOUT_MINUTES,
      dateCreated: document['dateCreated'],
      dateUpdated: service.clock.now().toISOString(),
    });
    return { distributionConfigurationArn: arn };
  });
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
