import { BuildFailure } from '../../util/faults.ts';

/** A processor of the guest has stood still for so long that it does not come back. */
export class GuestStuck extends BuildFailure {}

/** Under load an emulated processor may get no turn for some time, and goes on. Seconds. */
const STUCK_SECONDS = 60;

/** What a line of a Linux guest's console says of a processor that is stuck. Source: Linux, kernel/watchdog.c. */
export function stuckOf(line: string): GuestStuck | undefined {
  const [, processor = '', seconds = ''] = /watchdog: BUG: soft lockup - CPU#(\d+) stuck for (\d+)s!/.exec(line) ?? [];
  if (Number(seconds) < STUCK_SECONDS) return undefined;
  return new GuestStuck(`Processor ${processor} of the guest has been stuck for ${seconds} s`, {
    kind: 'guest lost',
    hint: 'Emulated processors do that very rarely. Build it again.',
  });
}

/** Boots, and once more from the beginning when the guest got stuck on the way. `boot` leaves nothing when it rejects. */
export async function bootAgainIfStuck<Result>(
  boot: () => Promise<Result>,
  tell: (why: GuestStuck) => void,
): Promise<Result> {
  try {
    return await boot();
  } catch (error) {
    if (!(error instanceof GuestStuck)) throw error;
    tell(error);
    return boot();
  }
}
