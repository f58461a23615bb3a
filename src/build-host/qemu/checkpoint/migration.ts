import { setTimeout as delay } from 'node:timers/promises';
import type { Qmp } from '../qmp.ts';

/** How far QEMU is with sending a guest's state, which it calls a migration. */
export interface Migration {
  readonly status: string;
  readonly error: string | undefined;
  /** Of memory, sent so far. */
  readonly bytes: number;
}

export async function migration(qmp: Qmp): Promise<Migration> {
  const answer = (await qmp.execute('query-migrate')) as {
    readonly status?: string;
    readonly 'error-desc'?: string;
    readonly ram?: { readonly transferred?: number };
  };
  return { status: answer.status ?? 'none', error: answer['error-desc'], bytes: answer.ram?.transferred ?? 0 };
}

/** Between two looks at it. */
export const LOOK_EVERY_MS = 5;
/** A saving that does not get any further for so long is given up. */
export const STALLED_MS = 30_000;

/** Waits until QEMU sends nothing any more, though not for ever. */
export async function untilIdle(qmp: Qmp, withinMs: number): Promise<void> {
  const begin = performance.now();
  while (performance.now() - begin < withinMs) {
    const { status } = await migration(qmp);
    if (!['setup', 'active', 'device', 'cancelling', 'pre-switchover'].includes(status)) return;
    await delay(LOOK_EVERY_MS);
  }
}
