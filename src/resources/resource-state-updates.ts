/** StartResourceStateUpdate: an image is taken out of use, put back, or deleted with its AMIs. */
import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { AwsError, invalidParameter, notFound, notYet } from '../contract/errors.ts';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import type { ImageRow } from '../state/find-resource.ts';
import { isUnfinished } from '../state/image-states.ts';
import type { Database, ImageStatus } from '../state/tables.ts';
import { beginStateUpdate, type StateUpdate } from '../state/transitions/begin-state-update.ts';
import { finishStateUpdate, type RemovedAmi } from '../state/transitions/finish-state-update.ts';
import { deleteOneAtATime, refuseIfNeeded } from './deletion.ts';
import { changeOnce } from './idempotency.ts';
import { invalidCombination } from './refusals.ts';
import { RequestProblems } from './request-problems.ts';
import { refuseIfShared } from './resource-policies.ts';
import type { CheckContext, Service } from './service.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';

type Input = InputOf<'StartResourceStateUpdate'>;

/**
 * Changes the state at once and answers when the AMIs are gone as well; what became of them says the lifecycle
 * execution.
 */
export async function startResourceStateUpdate(
  service: Service,
  input: Input,
): Promise<OutputOf<'StartResourceStateUpdate'>> {
  const problems = new RequestProblems();
  checkStateUpdate(service, input, problems);
  // Checked to be there.
  const status = input.state.status as StateUpdate['status'];
  const response = await changeOnce(service, 'StartResourceStateUpdate', input, async (trx) => {
    const { resourceArn } = input;
    await deleteOneAtATime(trx, resourceArn);
    const found = await problems.collect(() => findChangeable(trx, resourceArn, status));
    problems.throwIfAny();
    const image = found as ImageRow;
    const id = `lce-${randomUUID()}`;
    const amiIds = status === 'DELETED' ? amisOf(image) : [];
    await beginStateUpdate(trx, { id, image, status, amiIds, at: service.clock.now() });
    if (status === 'DELETED') {
      refuseIfShared(image);
      await refuseIfNeeded(trx, resourceArn, { wasSelectable: image.status === 'AVAILABLE' });
    }
    return { lifecycleExecutionId: id, resourceArn };
  });
  await finish(service, response.lifecycleExecutionId);
  return response;
}

/** Ends the executions that a stop of the service interrupted, of these accounts. To be called when the service starts. */
export async function finishStateUpdates(service: Service, accountIds: readonly string[]): Promise<void> {
  const running = await service.db
    .selectFrom('lifecycle_executions')
    .select('id')
    .where('status', '=', 'IN_PROGRESS')
    .where('account_id', 'in', [...accountIds])
    .where('region', '=', service.region)
    .orderBy('seq')
    .execute();
  for (const { id } of running) await finish(service, id);
}

/** Removes what is still there. May run twice at once: an AMI that is gone is no error. */
async function finish(service: Service, id: string): Promise<void> {
  const resources = await service.db
    .selectFrom('lifecycle_execution_resources')
    .select('ami_id')
    .where('lifecycle_execution_id', '=', id)
    .where('status', '=', 'IN_PROGRESS')
    .orderBy('position')
    .execute();
  if (resources.length === 0) return;
  const amis: RemovedAmi[] = [];
  for (const { ami_id: amiId } of resources) amis.push({ amiId, failure: await removeAmi(service, amiId) });
  await finishStateUpdate(service.db, { id, amis, at: service.clock.now() });
}

async function removeAmi({ amis }: Service, amiId: string): Promise<string | undefined> {
  try {
    await amis.remove(amiId);
    return undefined;
  } catch (error) {
    return `The AMI ${amiId} could not be removed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Reports what is wrong with the request. */
export function checkStateUpdate(_context: CheckContext, input: Partly<Input>, problems: RequestProblems): void {
  reportUnsupportedMembers('StartResourceStateUpdate', input, problems);
  const { state, executionRole, includeResources } = input;
  const status = state?.status;
  if (status === undefined) problems.add(invalidParameter('state.status', 'It is required.'));
  if ((executionRole === undefined) !== (includeResources === undefined)) {
    const reason = "'executionRole' and 'includeResources' must be given together.";
    problems.add(invalidCombination('includeResources', reason, ['executionRole']));
  }
  if (status === 'DELETED') checkDeleted(includeResources ?? {}, problems);
  else if (status !== undefined) checkKept(status, includeResources ?? {}, problems);
}

type Included = NonNullable<Partly<Input>['includeResources']>;

function checkKept(
  status: string,
  { amis = false, snapshots = false, containers = false }: Included,
  problems: RequestProblems,
): void {
  if (snapshots || containers) {
    const reason = 'Snapshots and containers are only included in DELETED.';
    problems.add(invalidCombination('includeResources', reason));
  }
  if (amis) {
    const what = `'includeResources.amis' with state ${status} (AMIs have no state of their own)`;
    problems.add(notYet(what, ['includeResources.amis']));
  }
}

function checkDeleted(
  { amis = false, snapshots = false, containers = false }: Included,
  problems: RequestProblems,
): void {
  if (containers) problems.add(invalidCombination('includeResources.containers', 'The image has no containers.'));
  if (snapshots && !amis) {
    const reason = 'Snapshots can only be deleted together with their AMIs.';
    problems.add(invalidCombination('includeResources.snapshots', reason));
  } else if (!amis) {
    const reason = 'DELETED needs the resources that go with the image; DeleteImage removes the image alone.';
    problems.add(invalidCombination('includeResources', reason));
  } else if (!snapshots) {
    const what = "'includeResources.amis' without 'snapshots' (keeping the disk of a removed AMI)";
    problems.add(notYet(what, ['includeResources.snapshots']));
  }
}

const CHANGEABLE: readonly ImageStatus[] = ['AVAILABLE', 'DEPRECATED', 'DISABLED'];

/** Locks the image. Throws why its state cannot change now. */
async function findChangeable(
  trx: Transaction<Database>,
  arn: string,
  status: StateUpdate['status'] | undefined,
): Promise<ImageRow> {
  const image = await trx.selectFrom('images').selectAll().where('arn', '=', arn).forUpdate().executeTakeFirst();
  if (image === undefined) throw notFound('resourceArn', arn);
  await checkChange(trx, image, status);
  return image;
}

async function checkChange(
  trx: Transaction<Database>,
  image: ImageRow,
  status: StateUpdate['status'] | undefined,
): Promise<void> {
  const running = await trx
    .selectFrom('lifecycle_executions')
    .select('id')
    .where('image_arn', '=', image.arn)
    .where('status', '=', 'IN_PROGRESS')
    .executeTakeFirst();
  if (running !== undefined) {
    throw new AwsError('ResourceInUseException', `The lifecycle execution '${running.id}' of the image has not ended.`);
  }
  if (status === undefined) return;
  const mayChange =
    CHANGEABLE.includes(image.status) ||
    (status === 'DELETED' && image.status !== 'DELETED' && !isUnfinished(image.status));
  if (!mayChange) {
    throw new AwsError(
      'InvalidRequestException',
      `The state of the image '${image.arn}' cannot become ${status}: it is ${image.status}.`,
    );
  }
}

function amisOf(image: ImageRow): string[] {
  const amis = (image.output_resources['amis'] ?? []) as { image?: string }[];
  return [...new Set(amis.flatMap((ami) => ami.image ?? []))];
}
