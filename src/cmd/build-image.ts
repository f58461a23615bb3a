import { join } from 'node:path';
import { parseArn } from '../contract/arn.ts';
import type { ImageStore } from '../image-store/image-store.ts';
import { type AppliedTemplate, applyTemplate, evaluateOutputs } from '../template/apply-template.ts';
import { attributesOf } from '../template/attributes.ts';
import type { TemplatePlan } from '../template/template-plan.ts';
import { coerceError } from '../util/faults.ts';
import { stageAsset } from './assets.ts';
import type { BuildOutput } from './build-output.ts';
import type { BuildChoice } from './choose-build.ts';
import type { Config } from './config.ts';
import type { Connection } from './connect.ts';
import type { BuildOutcome, KeptInstance } from './display/build-outcome.ts';
import type { BuildReport } from './display/build-report.ts';
import { sanitise } from './display/text.ts';
import { readImage } from './read-image.ts';
import { callOperation } from './service-client.ts';
import { startBuild } from './start-build.ts';
import { watchBuild } from './watch-build.ts';

export interface BuildImageOptions {
  readonly config: Config;
  readonly connection: Connection;
  readonly plan: TemplatePlan;
  readonly choice: BuildChoice;
  readonly output: BuildOutput;
  /** Of the image, beside those of the template. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly report: BuildReport;
  readonly machine: BuildMachine;
  readonly signal: AbortSignal;
  /** Of the command, by performance.now(). */
  readonly startedAt: number;
}

/** What a build needs of the machine that it runs on, beside the service. */
export interface BuildMachine {
  /** Writes a copy of the AMI to a file. */
  exportImage: ImageStore['export'];
  /** Makes that fast for an image that is built on this one, as far as it can. Never rejects. */
  prepareExport(parentImage: string, signal: AbortSignal): Promise<void>;
  /** Instances that were kept after the build failed. */
  keptInstances(imageBuildVersionArn: string): Promise<readonly KeptInstance[]>;
}

/** The record is read after an interruption too, but not for ever. */
const READ_MS = 10_000;

/**
 * From a planned template to a tested image in a file, or to what there is to say about its failure. Rejects only for what
 * goes wrong before the build has begun; afterwards it is the outcome's fault.
 */
export async function buildImage(options: BuildImageOptions): Promise<BuildOutcome> {
  const { config, connection, plan, choice, tags = {}, report, machine, signal, startedAt } = options;
  const { client, address, accountId } = connection;

  const applied = await applyTemplate(plan, {
    call: (operation, input, until) => callOperation(address, operation, input, until),
    partition: 'aws',
    region: address.region,
    accountId,
    stack: undefined,
    stageDocument: (document) => stageAsset(config.home.assets, document),
    signal,
    onApplied: (resource) => report.applied(resource),
  });
  const arn = await startBuild(client, choice, applied, tags, signal);
  report.started(arn);
  await using _preparation = prepareExport(options, arn);
  const { progress, lost } = await watchBuild(connection, arn, report, signal);

  // From here on there is something to tell, whatever goes wrong.
  let fault = lost;
  const note = (error: unknown): undefined => {
    fault ??= coerceError(error);
  };
  const image = await readImage(address, arn, AbortSignal.timeout(READ_MS)).catch(note);
  const amiId = progress.status === 'AVAILABLE' ? image?.amiId : undefined;
  const file = amiId === undefined || signal.aborted ? undefined : await exportOutput(options, arn, amiId).catch(note);
  const kept = progress.status === 'FAILED' ? await machine.keptInstances(arn).catch(note) : undefined;
  return {
    imageBuildVersionArn: arn,
    status: progress.status,
    reason: image?.reason ?? progress.reason,
    amiId: image?.amiId,
    file: file?.path,
    fileBytes: file?.bytes,
    seconds: (performance.now() - startedAt) / 1000,
    steps: progress.steps,
    failure: image?.failure,
    ranOn: image?.ranOn,
    tail: progress.tail,
    keptInstances: kept ?? [],
    outputs: amiId === undefined ? [] : evaluateOutputs(plan, attributesAfter(choice, applied, arn, amiId)),
    fault,
  };
}

/** Beside the build, which leaves processors idle. It ends with the command, done or not. */
function prepareExport({ output, connection, machine, signal }: BuildImageOptions, arn: string): AsyncDisposable {
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const prepare = async (): Promise<void> => {
    if (output.format !== 'qcow2') return;
    const { parentImage } = await readImage(connection.address, arn, until);
    if (parentImage !== undefined) await machine.prepareExport(parentImage, until);
  };
  const preparing = prepare().catch(() => {});
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await preparing;
    },
  };
}

async function exportOutput(
  { output, report, machine, signal }: BuildImageOptions,
  arn: string,
  amiId: string,
): Promise<{ readonly path: string; readonly bytes: number }> {
  const { slug = 'image', version = '0.0.0' } = parseArn(arn) ?? {};
  const path = output.file ?? join(process.cwd(), `${slug}-${version}.${output.format}`);
  const monitor = { line: (_source: string, text: string) => report.note(sanitise(text)) };
  const { bytes } = await machine.exportImage(amiId, path, output.format, { signal, monitor });
  return { path, bytes };
}

function attributesAfter(
  choice: BuildChoice,
  { attributes }: AppliedTemplate,
  arn: string,
  amiId: string,
): AppliedTemplate['attributes'] {
  if (choice.kind !== 'image') return attributes;
  const ofImage = { ...attributesOf(arn, parseArn(arn)?.slug ?? ''), ImageId: amiId };
  return new Map([...attributes, [choice.logicalId, ofImage]]);
}
