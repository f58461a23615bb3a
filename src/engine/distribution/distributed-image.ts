import type { MachineImage } from '../../image-store/image-store.ts';
import { BuildFailure } from '../../util/faults.ts';
import { mapListInput, type StepInputs, textInput } from '../steps/step-action.ts';

/** An AMI in a Region, as the actions that distribute hand it on. Source: User Guide, "Supported step actions". */
export interface DistributedImage {
  readonly region: string;
  readonly amiId: string;
  readonly accountId: string;
}

/** The record of an AMI with which something was done, for outputs of steps. */
export function distributedRecord(
  image: DistributedImage & Pick<MachineImage, 'name'>,
  started: Date,
  stopped: Date,
): StepInputs {
  const { region, name, amiId, accountId } = image;
  return {
    ...{ region, name, amiId, accountId },
    ...{ dateStarted: started.toISOString(), dateStopped: stopped.toISOString() },
    ...{ status: 'Completed', step: 'Completed' },
  };
}

/** What an input names that comes from DistributeImage. Throws a BuildFailure when it is something else. */
export function distributedInput(inputs: StepInputs): readonly DistributedImage[] {
  return (mapListInput(inputs, 'distributedImages') ?? []).map((item) => {
    const [region, amiId, accountId] = ['region', 'amiId', 'accountId'].map((name) => textInput(item, name));
    if (region === undefined || amiId === undefined || accountId === undefined) {
      throw new BuildFailure("Input 'distributedImages' must be what DistributeImage answered");
    }
    return { region, amiId, accountId };
  });
}
