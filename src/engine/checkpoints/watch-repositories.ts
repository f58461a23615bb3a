import type { Target } from '../../toe/target.ts';
import { aptRepositories } from './apt-repositories.ts';
import type { RepositoryState } from './component-record.ts';
import type { ResourceStates } from './resource-states.ts';

/** Sees which package repositories a machine has while components run on it. Both reject when the machine is lost. */
export interface RepositoryWatch {
  /**
   * Looks before a component runs that uses repositories: what it fetches is at least as new as what is noted here.
   *
   * @param ran How many components have run.
   */
  before(target: Target, ran: number, signal: AbortSignal): Promise<void>;
  /**
   * The repositories of a component that has run: those that the machine had before, and those that it added itself, as they
   * are now. Undefined when nobody looked before.
   */
  after(ran: number, signal: AbortSignal): Promise<readonly RepositoryState[] | undefined>;
}

export function watchRepositories(states: ResourceStates): RepositoryWatch {
  let last: Look | undefined;
  async function look(target: Target, ran: number, signal: AbortSignal): Promise<Look> {
    const urls = await aptRepositories(target, signal);
    const found = await Promise.all(urls.map((url) => states.index(url, signal)));
    last = { target, ran, repositories: found.filter((state) => state !== undefined) };
    return last;
  }
  return {
    before: async (target, ran, signal) => {
      // Nothing ran on it since the look after the one before.
      if (last?.target === target && last.ran === ran) return;
      await look(target, ran, signal);
    },
    after: async (ran, signal) => {
      if (last === undefined) return undefined;
      const { target, repositories: before } = last;
      const { repositories: now } = await look(target, ran, signal);
      const had = new Set(before.map(({ url }) => url));
      return [...before, ...now.filter(({ url }) => !had.has(url))];
    },
  };
}

interface Look {
  readonly target: Target;
  readonly ran: number;
  readonly repositories: readonly RepositoryState[];
}
