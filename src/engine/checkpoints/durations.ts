import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How long things took when they were last done, for predictions. */
export interface Durations {
  /** Seconds by what was done: `component NAME EXECUTOR`, `step ACTION EXECUTOR`. */
  all(): Promise<Readonly<Record<string, number>>>;
  /** Adds to what is known. What cannot be written is forgotten: nobody depends on it. */
  add(seconds: ReadonlyMap<string, number>): Promise<void>;
}

const MOST_ENTRIES = 2_000;
/** Of what was known: a build on a busy machine is not the rule. */
const WEIGHT_BEFORE = 0.5;

export function componentDuration(name: string, executor: string): string {
  return `component ${name} ${executor}`;
}

/** Of a component of a build that boots only when it has to: where it ran then. */
export function chosenDuration(name: string, where: 'direct' | 'vm'): string {
  return componentDuration(name, `auto ${where}`);
}

export function stepDuration(action: string, executor: string): string {
  return `step ${action} ${executor}`;
}

/** A machine boots, from its power on until it takes commands. */
export const BOOT_DURATION = 'a boot';

/** A machine of an earlier build goes on in place of being launched. */
export const GOING_ON_DURATION = stepDuration('LaunchInstance', 'going on');

/** Durations in a JSON file, which is made when missing. */
export function durationsIn(file: string): Durations {
  const all = async (): Promise<Readonly<Record<string, number>>> => {
    const text = await readFile(file, 'utf8').catch(() => '{}');
    try {
      const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
      return Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
    } catch {
      return {};
    }
  };
  return {
    all,
    add: async (seconds) => {
      const known = await all();
      const next = new Map(Object.entries(known));
      for (const [what, now] of seconds) {
        const before = known[what];
        const value = before === undefined ? now : before * WEIGHT_BEFORE + now * (1 - WEIGHT_BEFORE);
        // Taken out first, so that it counts as the newest.
        next.delete(what);
        next.set(what, Math.round(value * 1000) / 1000);
      }
      const kept = [...next].slice(-MOST_ENTRIES);
      const partial = `${file}.${process.pid}.partial`;
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
        .then(() => writeFile(partial, JSON.stringify(Object.fromEntries(kept)), { mode: 0o600 }))
        .then(() => rename(partial, file))
        .catch(() => {});
    },
  };
}
