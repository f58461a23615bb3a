import type { Instance } from '../build-host/build-host.ts';

/** Whether an instance that somebody else launched takes commands, within this time. Rejects with the signal's reason. */
export async function instanceAnswers(
  { target }: Instance,
  milliseconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
  const exit = await target.run({ argv: ['true'], signal: limit }).catch(() => undefined);
  signal.throwIfAborted();
  return exit?.code === 0;
}
