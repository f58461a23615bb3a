import type { Instance, LaunchContext } from '../../build-host/build-host.ts';
import { coerceError } from '../../util/faults.ts';

/** Shorter waits are not worth a line. */
const TOLD_FROM_SECONDS = 1;

/**
 * Waits until the boot of a machine that is going to be kept is over, but no longer than it took until it answered: what is left
 * of the boot would be done again in every build that goes on from it. Rejects with the signal's reason only.
 *
 * @param seconds From the launch until the machine took commands.
 */
export async function untilBootEnds(
  { bootEnds }: Pick<Instance, 'bootEnds'>,
  seconds: number,
  { signal, monitor }: LaunchContext,
): Promise<void> {
  if (bootEnds === undefined) return;
  const begin = performance.now();
  const limit = AbortSignal.timeout(seconds * 1000);
  try {
    await bootEnds(AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    const why = limit.aborted ? `it is not over after ${seconds.toFixed(0)} s more` : coerceError(error).message;
    monitor.line('kiln', `The boot goes on in the machine that is kept: ${why}`);
    return;
  }
  const took = (performance.now() - begin) / 1000;
  if (took < TOLD_FROM_SECONDS) return;
  monitor.line('kiln', `The boot was over after ${took.toFixed(1)} s more; later builds go on from there`);
}
