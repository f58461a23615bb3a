import type { BuildRun } from '../build-run.ts';
import type { ExecutionRecord } from '../execution-records.ts';
import { componentDuration, stepDuration } from './durations.ts';

/** Notes how long the steps and the components of a build took, for predictions. Components come with their steps' instances. */
export async function noteDurations({ engine, plan, progress }: BuildRun, records: readonly ExecutionRecord[]) {
  const seconds = new Map<string, number>();
  for (const { type, steps } of records) {
    const { executor } = plan;
    for (const { action, status, started_at: from, ended_at: to } of steps) {
      // Of builds each component counts for itself.
      if (status !== 'COMPLETED' || from === null || to === null) continue;
      if (type === 'BUILD' && action === 'ExecuteComponents') continue;
      const where = type === 'TEST' ? 'test' : executor;
      seconds.set(stepDuration(action, where), Math.max(0, to.getTime() - from.getTime()) / 1000);
    }
  }
  const reused = new Set((progress.reused ?? []).map(({ component }) => component));
  for (const { component, name, executor, seconds: took } of progress.ran ?? []) {
    if (!reused.has(component)) seconds.set(componentDuration(name, executor), took);
  }
  await engine.durations?.add(seconds);
}
