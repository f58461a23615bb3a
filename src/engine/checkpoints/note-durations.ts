import type { BuildRun } from '../build-run.ts';
import type { ExecutionRecord } from '../execution-records.ts';
import { BOOT_DURATION, chosenDuration, componentDuration, GOING_ON_DURATION, stepDuration } from './durations.ts';

/** Notes how long the steps and the components of a build took, for predictions. Components come with their steps' instances. */
export async function noteDurations({ engine, plan, progress }: BuildRun, records: readonly ExecutionRecord[]) {
  const seconds = new Map<string, number>();
  for (const { type, steps } of records) {
    const { executor } = plan;
    for (const { action, status, outputs, started_at: from, ended_at: to } of steps) {
      // Of builds each component counts for itself.
      if (status !== 'COMPLETED' || from === null || to === null) continue;
      if (type === 'BUILD' && action === 'ExecuteComponents') continue;
      const where = type === 'TEST' ? 'test' : executor;
      const wentOn = action === 'LaunchInstance' && progress.wentOn?.has(String(outputs?.['instanceId'])) === true;
      seconds.set(
        wentOn ? GOING_ON_DURATION : stepDuration(action, where),
        Math.max(0, to.getTime() - from.getTime()) / 1000,
      );
    }
  }
  const reused = new Set((progress.reused ?? []).map(({ component }) => component));
  for (const { component, name, executor, seconds: took } of progress.ran ?? []) {
    if (!reused.has(component)) seconds.set(componentDuration(name, executor), took);
  }
  if (plan.executor === 'auto') {
    // What comes after the one that made it boot says nothing of itself.
    const booted = (progress.ran ?? []).findIndex(({ executor }) => executor === 'vm');
    const chosen = booted === -1 ? progress.ran : progress.ran?.slice(0, booted + 1);
    for (const { name, executor, seconds: took } of chosen ?? []) seconds.set(chosenDuration(name, executor), took);
  }
  if (progress.bootSeconds !== undefined) seconds.set(BOOT_DURATION, progress.bootSeconds);
  await engine.durations?.add(seconds);
}
