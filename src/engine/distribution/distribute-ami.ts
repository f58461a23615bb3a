import type { Distribution } from '@aws-sdk/client-imagebuilder';
import { parseArn } from '../../contract/arn.ts';
import type { LaunchPermission, MachineImage, StoreContext } from '../../image-store/image-store.ts';
import { BuildFailure, coerceError } from '../../util/faults.ts';
import type { BuildRun } from '../build-run.ts';
import type { DistributedImage } from './distributed-image.ts';
import { DistributionFailed } from './region-failure.ts';

/** The account of the image. */
export function ownerOf({ engine, plan }: BuildRun): string {
  return parseArn(plan.imageArn)?.owner ?? engine.accountId;
}

/** The only Region that there is. Throws a BuildFailure for another one. */
export function checkRegion({ engine }: BuildRun, region: string | undefined): string {
  if (region === engine.region) return region;
  throw new BuildFailure(`Kiln does not distribute to other Regions yet: ${region}`, {
    hint: `This installation's Region is ${engine.region}.`,
  });
}

/**
 * Gives the AMI of the image the name, description and tags of a distribution of this Region. An image that was not built
 * gets an AMI of its own with the disk of its parent; `copyId` is the id of that.
 */
export async function distributeAmi(
  run: BuildRun,
  distribution: Distribution,
  copyId: string,
  context: StoreContext,
): Promise<MachineImage> {
  const { engine, plan, progress } = run;
  const region = checkRegion(run, distribution.region);
  const { name, description, tags } = plan.describe(distribution);
  const said = { name, tags, ...(description === undefined ? {} : { description }) };
  try {
    // An attempt before this one may have failed when the copy was to be made.
    const isThere = progress.outputAmiId !== copyId || (await engine.imageStore.get(copyId)) !== undefined;
    if (progress.outputAmiId !== undefined && isThere)
      return await engine.imageStore.describe(progress.outputAmiId, said, context);
    progress.outputAmiId = copyId;
    const request = { ...said, amiId: copyId, of: plan.parent.amiId, source: plan.imageArn };
    return await engine.imageStore.reuse(request, context);
  } catch (thrown) {
    context.signal.throwIfAborted();
    const { message } = coerceError(thrown);
    throw new DistributionFailed({ region, errorMessage: message, targetAccountId: ownerOf(run) }, thrown);
  }
}

/** Records who may launch an AMI. */
export async function recordLaunchPermission(
  run: BuildRun,
  { region, amiId }: DistributedImage,
  permission: LaunchPermission,
  context: StoreContext,
): Promise<MachineImage> {
  try {
    return await run.engine.imageStore.describe(amiId, { launchPermission: permission }, context);
  } catch (thrown) {
    context.signal.throwIfAborted();
    const { message } = coerceError(thrown);
    throw new DistributionFailed({ region, errorMessage: message, targetAccountId: ownerOf(run) }, thrown);
  }
}

export interface AmiParameter {
  readonly parameterName: string;
  readonly dataType: 'text' | 'aws:ec2:image';
}

/** Writes the id of an AMI into parameters of Parameter Store. Writing them again changes nothing. */
export async function putAmiParameters(
  run: BuildRun,
  { region, amiId }: DistributedImage,
  parameters: readonly AmiParameter[],
  { signal, monitor }: StoreContext,
): Promise<void> {
  const { putParameter } = run.engine;
  for (const { parameterName: name, dataType } of parameters) {
    try {
      if (putParameter === undefined) throw new BuildFailure('This installation has no Parameter Store');
      await putParameter({ name, value: amiId, dataType }, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const errorMessage = `The parameter ${name} could not be written: ${coerceError(thrown).message}`;
      const place = { region, imageConfigurationStep: 'PUT_SSM_PARAMETERS', targetAccountId: ownerOf(run) } as const;
      throw new DistributionFailed({ ...place, errorMessage }, thrown);
    }
    monitor.line('kiln', `Parameter ${name} is ${amiId}`);
  }
}

/** `ssmParameterConfigurations` of a distribution or of a step, with AWS's default. */
export function amiParameters(
  configurations: readonly { parameterName?: string | undefined; dataType?: string | undefined }[],
): readonly AmiParameter[] {
  return configurations.map(({ parameterName = '', dataType }) => ({
    parameterName,
    dataType: dataType === 'text' ? 'text' : 'aws:ec2:image',
  }));
}
