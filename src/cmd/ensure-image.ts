import { randomUUID } from 'node:crypto';
import { parseArn } from '../contract/arn.ts';
import { isUnfinished } from '../state/image-states.ts';
import type { ImageStatus } from '../state/tables.ts';
import type { EnsuredImage, WantedImage } from '../template/apply-template.ts';
import { attributesOf } from '../template/attributes.ts';
import type { StackResource } from '../template/stack.ts';
import { hashOfImage, STACK_TAGS, stackTags, tagsOf } from '../template/stack-tags.ts';
import type { TemplatePlan } from '../template/template-plan.ts';
import { BuildFailure } from '../util/faults.ts';
import type { Connection } from './connect.ts';
import type { BuildReport } from './display/build-report.ts';
import { patienceAfter } from './patience.ts';
import { readImage } from './read-image.ts';
import { callOperation } from './service-client.ts';
import { ANSWER_MS } from './start-build.ts';
import { watchBuild } from './watch-build.ts';

export interface EnsureImageOptions {
  readonly plan: TemplatePlan;
  /** What the stack has already. */
  readonly stack: readonly StackResource[];
  readonly connection: Connection;
  readonly report: BuildReport;
  readonly signal: AbortSignal;
}

/** The record is read after an interruption too, but not for ever. */
const READ_MS = 10_000;

/**
 * The image of a stack: the one that it has, when it was made from the same input, or a build that is awaited.
 *
 * @throws BuildFailure when it does not become AVAILABLE
 */
export async function ensureImage(wanted: WantedImage, options: EnsureImageOptions): Promise<EnsuredImage> {
  const { stack, connection, report, signal } = options;
  const definition = hashOfImage(wanted.input);
  const own = stack.filter(
    ({ logicalId, tags }) => logicalId === wanted.logicalId && tags[STACK_TAGS.definition] === definition,
  );
  const available = own.findLast(({ status }) => status === 'AVAILABLE');
  if (available !== undefined) return describe(available.arn, 'unchanged', connection);

  const running = own.findLast(({ status }) => isUnfinished(status as ImageStatus));
  const arn = running?.arn ?? (await startBuild(wanted, definition, options));
  report.started(arn);
  const { progress, lost } = await watchBuild(connection, arn, report, signal);
  signal.throwIfAborted();
  if (lost !== undefined) throw lost;
  if (progress.status === 'AVAILABLE') return describe(arn, 'created', connection);
  const { reason } = await readImage(connection.address, arn, AbortSignal.timeout(READ_MS));
  throw new BuildFailure(`The image '${wanted.logicalId}' is ${progress.status}: ${reason ?? 'no reason was given'}`, {
    where: arn,
    hint: `kiln logs ${arn}`,
  });
}

async function startBuild(
  { logicalId, input }: WantedImage,
  definition: string,
  { plan, connection, signal }: EnsureImageOptions,
): Promise<string> {
  const planned = plan.resources.find((resource) => resource.logicalId === logicalId);
  const ofStack = planned === undefined ? {} : stackTags(plan.stackName, planned);
  const tags = { ...tagsOf(input['tags']), ...ofStack, [STACK_TAGS.definition]: definition };
  const request = { ...input, tags, clientToken: randomUUID() };
  signal.throwIfAborted();
  using patience = patienceAfter(signal, ANSWER_MS);
  const answer = await callOperation(connection.address, 'CreateImage', request, patience.signal);
  return String(answer['imageBuildVersionArn']);
}

async function describe(arn: string, outcome: EnsuredImage['outcome'], { address }: Connection): Promise<EnsuredImage> {
  const { amiId = '' } = await readImage(address, arn, AbortSignal.timeout(READ_MS));
  return { arn, outcome, attributes: { ...attributesOf(arn, parseArn(arn)?.slug ?? ''), ImageId: amiId } };
}
