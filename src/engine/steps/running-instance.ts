import type { Instance } from '../../build-host/build-host.ts';
import { BuildFailure } from '../../util/faults.ts';
import { instanceOf, type StepContext, type StepInputs } from './step-action.ts';

/**
 * The instance that an input names, as a machine that runs: one that was a mounted disk until now is booted. Throws a
 * BuildFailure when there is none, or when it must not be booted.
 */
export async function runningInstance(inputs: StepInputs, context: StepContext): Promise<Instance> {
  const { instance } = instanceOf(inputs, context);
  const { unbooted } = instance;
  if (unbooted === undefined) return instance;
  const { signal, monitor } = context;
  if (unbooted.boot === undefined) {
    throw new BuildFailure(`Instance ${instance.instanceId} is a mounted disk, and this step needs a running system`, {
      hint: 'Build it with the executor auto or vm.',
    });
  }
  monitor.line('kiln', `Booting instance ${instance.instanceId}: this step needs a running system`);
  await unbooted.checkpoint(signal);
  await unbooted.boot({ signal, monitor });
  return instance;
}
