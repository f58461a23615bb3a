import type { Transaction } from 'kysely';
import { invalidParameter } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import type { Database } from '../state/tables.ts';
import {
  described,
  findDefinition,
  insertDefinition,
  lockDefinition,
  ownArn,
  updateDefinition,
} from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { changeOnce } from './idempotency.ts';
import type { Service } from './service.ts';
import { refuseUnsupportedMembers } from './unsupported-members.ts';

const KIND = 'infrastructure-configuration';

export async function createInfrastructureConfiguration(
  service: Service,
  input: InputOf<'CreateInfrastructureConfiguration'>,
): Promise<OutputOf<'CreateInfrastructureConfiguration'>> {
  refuseUnsupportedMembers('CreateInfrastructureConfiguration', input);
  checkResourceTags(input.resourceTags);
  return changeOnce(service, 'CreateInfrastructureConfiguration', input, async (trx) => {
    await checkTopic(service, trx, input.snsTopicArn);
    const arn = await insertDefinition(service, trx, {
      arn: { ...ownArn(service, KIND, input.name), kind: KIND },
      name: input.name,
      document: { name: input.name, ...settings(input), dateCreated: service.clock.now().toISOString() },
      tags: input.tags,
    });
    return { infrastructureConfigurationArn: arn };
  });
}

/** Replaces everything but name, creation date and tags; what is left out goes back to its default. */
export async function updateInfrastructureConfiguration(
  service: Service,
  input: InputOf<'UpdateInfrastructureConfiguration'>,
): Promise<OutputOf<'UpdateInfrastructureConfiguration'>> {
  refuseUnsupportedMembers('UpdateInfrastructureConfiguration', input);
  checkResourceTags(input.resourceTags);
  return changeOnce(service, 'UpdateInfrastructureConfiguration', input, async (trx) => {
    await checkTopic(service, trx, input.snsTopicArn);
    const { infrastructureConfigurationArn: arn } = input;
    const { document } = await lockDefinition(trx, KIND, arn, 'infrastructureConfigurationArn');
    await updateDefinition(service, trx, arn, {
      name: document['name'],
      ...settings(input),
      dateCreated: document['dateCreated'],
      dateUpdated: service.clock.now().toISOString(),
    });
    return { infrastructureConfigurationArn: arn };
  });
}

function settings(input: InputOf<'CreateInfrastructureConfiguration'> | InputOf<'UpdateInfrastructureConfiguration'>) {
  return {
    description: input.description,
    instanceTypes: input.instanceTypes,
    instanceProfileName: input.instanceProfileName,
    securityGroupIds: input.securityGroupIds,
    snsTopicArn: input.snsTopicArn,
    logging: input.logging,
    terminateInstanceOnFailure: input.terminateInstanceOnFailure ?? true,
    resourceTags: input.resourceTags,
    instanceMetadataOptions: input.instanceMetadataOptions,
    placement: input.placement,
  };
}

/** The topic must be there, and stays as long as this names it. */
async function checkTopic(service: Service, trx: Transaction<Database>, topicArn: string | undefined): Promise<void> {
  if (topicArn === undefined) return;
  const topic = await trx
    .selectFrom('topics')
    .select('account_id')
    .where('arn', '=', topicArn)
    .forKeyShare()
    .executeTakeFirst();
  if (topic?.account_id === service.accountId) return;
  const name = topicArn.split(':').at(-1);
  throw invalidParameter('snsTopicArn', `There is no topic '${topicArn}'; 'kiln topic add ${name}' makes one.`);
}

/** Tags that the service itself puts on instances. Source: API Reference, CreateInfrastructureConfiguration. */
const RESERVED_TAGS = ['CreatedBy', 'Ec2ImageBuilderArn', 'Name', 'Tags'];

function checkResourceTags(tags: Readonly<Record<string, string>> | undefined): void {
  const reserved = RESERVED_TAGS.find((key) => tags !== undefined && Object.hasOwn(tags, key));
  if (reserved !== undefined) {
    throw invalidParameter('resourceTags', `The key '${reserved}' is reserved for the service.`);
  }
}

export async function getInfrastructureConfiguration(
  service: Service,
  input: InputOf<'GetInfrastructureConfiguration'>,
): Promise<OutputOf<'GetInfrastructureConfiguration'>> {
  const arn = input.infrastructureConfigurationArn;
  const found = await findDefinition(service.db, KIND, arn, 'infrastructureConfigurationArn');
  return { infrastructureConfiguration: described(found) };
}

export async function deleteInfrastructureConfiguration(
  service: Service,
  input: InputOf<'DeleteInfrastructureConfiguration'>,
): Promise<OutputOf<'DeleteInfrastructureConfiguration'>> {
  const arn = input.infrastructureConfigurationArn;
  await deleteDefinition(service, KIND, arn, 'infrastructureConfigurationArn');
  return { infrastructureConfigurationArn: arn };
}
