import type { Build, Step } from './any-build.ts';

/** How a build must end, whatever happens to its workers. */
export interface Outcome {
  readonly status: 'AVAILABLE' | 'FAILED';
  /** Of its AMIs, all with one disk; none when it failed before they were made. */
  readonly amis: 0 | 1 | 2;
  /** What was done to that disk, in this order. */
  readonly effects: readonly string[];
  /** Of those, what may have been done once more, one right after the other. */
  readonly repeatable: ReadonlySet<string>;
  /** Its build instance is still there. */
  readonly keepsInstance: boolean;
}

/** @param slug of the image; effects have names of its own */
export function outcomeOf(build: Build, slug: string): Outcome {
  const effects: string[] = [];
  const repeatable = new Set<string>();
  const of = (status: Outcome['status'], amis: Outcome['amis'], keepsInstance = false): Outcome => ({
    ...{ status, amis, effects, repeatable, keepsInstance },
  });
  const failedBuild = of('FAILED', 0, build.launch?.stays === true);
  for (const [index, each] of build.steps.entries()) {
    if (each.kind === 'components' && !runDocuments(build, slug, effects, repeatable) && !each.goesOn)
      return failedBuild;
    if (each.kind === 'command') {
      const times = each.fails ? each.attempts : 1;
      effects.push(...Array.from({ length: times }, () => commandEffect(slug, index)));
    }
    if (fails(each)) return failedBuild;
  }
  const made = build.registers ? 2 : 1;
  const passes = build.tests.every(({ steps, goesOn }) => goesOn || !steps.some(fails));
  return of(passes && build.release?.some(fails) !== true ? 'AVAILABLE' : 'FAILED', made);
}

function fails(step: Step): boolean {
  if (step.kind === 'command' || step.kind === 'machine') return step.fails && !step.goesOn;
  return step.kind === 'wait' && step.answer === 'STOP' && !step.goesOn;
}

/** Whether they all ran to their ends. */
function runDocuments(build: Build, slug: string, effects: string[], repeatable: Set<string>): boolean {
  for (const [document, steps] of build.components.entries()) {
    for (const [index, step] of steps.entries()) {
      const effect = documentEffect(slug, document, index);
      effects.push(effect);
      if (step.repeatable) repeatable.add(effect);
      if (step.fails) return false;
    }
  }
  return true;
}

export function commandEffect(slug: string, step: number): string {
  return `${slug}/command-${step}`;
}

export function documentEffect(slug: string, document: number, step: number): string {
  return `${slug}/document-${document}-${step}`;
}
