/** What became of changes of images' states. */
import type { Selectable } from 'kysely';
import { parseArn } from '../contract/arn.ts';
import { AwsError, invalidParameter, notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { findImage } from '../state/find-resource.ts';
import type { LifecycleExecutionResourcesTable, LifecycleExecutionsTable } from '../state/tables.ts';
import { findDefinition } from './definitions.ts';
import { listPage } from './lists.ts';
import { NOTHING } from './owners.ts';
import type { Service } from './service.ts';

type Execution = Omit<Selectable<LifecycleExecutionsTable>, 'seq'> & { readonly seq: string };
type Ami = Selectable<LifecycleExecutionResourcesTable>;

export async function getLifecycleExecution(
  service: Service,
  { lifecycleExecutionId }: InputOf<'GetLifecycleExecution'>,
): Promise<OutputOf<'GetLifecycleExecution'>> {
  return { lifecycleExecution: described(await findExecution(service, lifecycleExecutionId)) };
}

/** Of an image build version, newest last. Policies are not carried out, so they have none. */
export async function listLifecycleExecutions(
  service: Service,
  input: InputOf<'ListLifecycleExecutions'>,
): Promise<OutputOf<'ListLifecycleExecutions'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListLifecycleExecutions',
    ...(await executionsOf(service, input.resourceArn)),
    item: described,
  });
  return { lifecycleExecutions: items, ...next };
}

/** Throws what can have no executions. */
export function kindOfExecuted(resourceArn: string): 'lifecycle-policy' | 'image' {
  const arn = parseArn(resourceArn);
  if (arn?.kind === 'lifecycle-policy') return 'lifecycle-policy';
  if (arn?.kind === 'image' && arn.build !== undefined) return 'image';
  throw invalidParameter('resourceArn', 'It must be the ARN of a lifecycle policy or of an image build version.');
}

async function executionsOf(service: Service, resourceArn: string) {
  const cursor = (execution: Execution) => [execution.seq];
  if (kindOfExecuted(resourceArn) === 'lifecycle-policy') {
    await findDefinition(service.db, 'lifecycle-policy', resourceArn, 'resourceArn');
    return { ...NOTHING, cursor };
  }
  const read = (after: readonly (string | number)[] | undefined, limit: number): Promise<Execution[]> =>
    service.db
      .selectFrom('lifecycle_executions')
      .selectAll()
      .where('image_arn', '=', resourceArn)
      .where('seq', '>', String(after?.[0] ?? 0))
      .orderBy('seq')
      .limit(limit)
      .execute();
  // Executions outlive the record of their image.
  if ((await findImage(service.db, resourceArn)) === undefined && (await read(undefined, 1)).length === 0) {
    throw notFound('resourceArn', resourceArn);
  }
  return { read, cursor };
}

/** The image that the execution changed; its AMIs when `parentResourceId` is that image. */
export async function listLifecycleExecutionResources(
  service: Service,
  input: InputOf<'ListLifecycleExecutionResources'>,
): Promise<OutputOf<'ListLifecycleExecutionResources'>> {
  const execution = await findExecution(service, input.lifecycleExecutionId);
  const state = stateOf(execution);
  const whole = { lifecycleExecutionId: execution.id, lifecycleExecutionState: state };
  const { parentResourceId } = input;
  if (parentResourceId === undefined) {
    const { items, ...next } = await listPage(service, input, {
      operation: 'ListLifecycleExecutionResources',
      read: async (after) => (after === undefined ? [execution] : []),
      cursor: () => [0],
      item: () => resource(execution, { resourceId: execution.image_arn, state, ended_at: execution.ended_at }),
    });
    return { ...whole, resources: items, ...next };
  }
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListLifecycleExecutionResources',
    read: async (after, limit) =>
      parentResourceId === execution.image_arn ? amis(service, execution, after, limit) : [],
    cursor: (ami: Ami) => [ami.position],
    item: (ami: Ami) => resource(execution, { resourceId: ami.ami_id, state: stateOf(ami), ended_at: ami.ended_at }),
  });
  return { ...whole, resources: items, ...next };
}

function amis(
  service: Service,
  { id }: Execution,
  after: readonly (string | number)[] | undefined,
  limit: number,
): Promise<Ami[]> {
  return service.db
    .selectFrom('lifecycle_execution_resources')
    .selectAll()
    .where('lifecycle_execution_id', '=', id)
    .where('position', '>', Number(after?.[0] ?? -1))
    .orderBy('position')
    .limit(limit)
    .execute();
}

/** An execution ends with the request that began it, so there is never one that could still be stopped. */
export async function cancelLifecycleExecution(
  service: Service,
  { lifecycleExecutionId }: InputOf<'CancelLifecycleExecution'>,
): Promise<OutputOf<'CancelLifecycleExecution'>> {
  const { status } = await findExecution(service, lifecycleExecutionId);
  if (status === 'IN_PROGRESS') {
    throw new AwsError('ResourceInUseException', `The execution '${lifecycleExecutionId}' is about to end.`);
  }
  throw new AwsError(
    'InvalidRequestException',
    `The execution '${lifecycleExecutionId}' cannot be cancelled: it has ended (${status}).`,
  );
}

async function findExecution(service: Service, id: string): Promise<Execution> {
  const execution = await service.db
    .selectFrom('lifecycle_executions')
    .selectAll()
    .where('id', '=', id)
    .where('account_id', '=', service.accountId)
    .executeTakeFirst();
  if (execution === undefined) throw notFound('lifecycleExecutionId', id);
  return execution;
}

function described(execution: Execution) {
  return {
    lifecycleExecutionId: execution.id,
    resourcesImpactedSummary: { hasImpactedResources: execution.status === 'SUCCESS' },
    state: stateOf(execution),
    startTime: execution.started_at,
    ...(execution.ended_at === null ? {} : { endTime: execution.ended_at }),
  };
}

function stateOf({ status, reason }: Pick<Execution, 'status' | 'reason'>) {
  return { status, ...(reason === null ? {} : { reason }) };
}

function resource(
  execution: Execution,
  one: { resourceId: string; state: ReturnType<typeof stateOf>; ended_at: Date | null },
) {
  return {
    accountId: execution.account_id,
    resourceId: one.resourceId,
    state: one.state,
    action: { name: execution.action },
    region: execution.region,
    startTime: execution.started_at,
    ...(one.ended_at === null ? {} : { endTime: one.ended_at }),
  };
}
