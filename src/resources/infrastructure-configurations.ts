import type { Transaction } from 'kysely';
import { invalidParameter } from '../contract/errors.ts';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import type { Database } from '../state/tables.ts';
import { described, findDefinition } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { changeOnce } from './idempotency.ts';
import { createNamed, updateNamed } from './named-definitions.ts';
import { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';

const KIND = 'infrastructure-configuration';

export async function createInfrastructureConfiguration(
  service: Service,
  input: InputOf<'CreateInfrastructureConfiguration'>,
): Promise<OutputOf<'CreateInfrastructureConfiguration'>> {
  const problems = new RequestProblems();
  checkInfrastructure('CreateInfrastructureConfiguration', input, problems);
  return changeOnce(service, 'CreateInfrastructureConfiguration', input, async (trx) => {
    await problems.collect(() => checkTopic(service, trx, input.snsTopicArn));
    problems.throwIfAny();
    return { infrastructureConfigurationArn: await createNamed(service, trx, KIND, input, settings(input)) };
  });
}

/** Replaces everything but name, creation date and tags; what is left out goes back to its default. */
export async function updateInfrastructureConfiguration(
  service: Service,
  input: InputOf<'UpdateInfrastructureConfiguration'>,
): Promise<OutputOf<'UpdateInfrastructureConfiguration'>> {
  const problems = new RequestProblems();
  checkInfrastructure('UpdateInfrastructureConfiguration', input, problems);
  return changeOnce(service, 'UpdateInfrastructureConfiguration', input, async (trx) => {
    await problems.collect(() => checkTopic(service, trx, input.snsTopicArn));
    const { infrastructureConfigurationArn: arn } = input;
    const at = { arn, parameter: 'infrastructureConfigurationArn' };
    await problems.collect(() => updateNamed(service, trx, KIND, at, settings(input)));
    problems.throwIfAny();
    return { infrastructureConfigurationArn: arn };
  });
}

type Input = InputOf<'CreateInfrastructureConfiguration'> | InputOf<'UpdateInfrastructureConfiguration'>;

/** Reports what is wrong with a request to create or update. */
export function checkInfrastructure(
  operation: 'CreateInfrastructureConfiguration' | 'UpdateInfrastructureConfiguration',
  input: Partly<Input>,
  problems: RequestProblems,
): void {
  reportUnsupportedMembers(operation, input, problems);
  checkResourceTags(input.resourceTags, problems);
}

function settings(input: Input) {
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

function checkResourceTags(tags: Partly<Input>['resourceTags'] = {}, problems: RequestProblems): void {
  for (const key of RESERVED_TAGS.filter((reserved) => Object.hasOwn(tags, reserved))) {
    problems.add(invalidParameter('resourceTags', `The key '${key}' is reserved for the service.`));
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
