import { readComponentSteps } from '../../state/component-steps.ts';
import { beginComponentStep, finishComponentStep } from '../../state/transitions/component-steps.ts';
import type { StepJournal } from '../../toe/run-documents.types.ts';
import type { FinishedStep } from '../../toe/suspended-run.ts';
import type { BuildPlan, PlannedComponent } from '../build-plan.ts';
import type { StepContext } from './step-action.ts';

/**
 * Writes down which document steps of an ExecuteComponents step have begun and ended. A step begins only while the claim
 * is ours: a worker that was frozen runs nothing more.
 */
export function componentJournal({
  engine,
  claim,
  stepExecutionId,
}: Pick<StepContext, 'engine' | 'claim' | 'stepExecutionId'>): StepJournal {
  const { db } = engine;
  return {
    begin: (place) => beginComponentStep(db, claim, { stepExecutionId, ...place }),
    end: (finished) => {
      const { document, phase, result } = finished;
      return finishComponentStep(db, claim, { stepExecutionId, document, phase, step: result.name }, { ...finished });
    },
  };
}

/** The document steps that have ended, for a run that goes on. */
export async function finishedSteps({
  engine,
  stepExecutionId,
}: Pick<StepContext, 'engine' | 'stepExecutionId'>): Promise<readonly FinishedStep[]> {
  const rows = await readComponentSteps(engine.db, stepExecutionId);
  return rows.flatMap(({ finished }) => (finished === null ? [] : [finished as unknown as FinishedStep]));
}

/**
 * Why the documents of an interrupted step cannot be gone on with: a document step was running, and nobody says that it can
 * be run again. Undefined when they can.
 */
export async function interruptedStep(
  { engine }: Pick<StepContext, 'engine'>,
  stepExecutionId: string,
  documents: readonly PlannedComponent[],
): Promise<string | undefined> {
  const rows = await readComponentSteps(engine.db, stepExecutionId);
  const interrupted = rows.find(({ finished }) => finished === null);
  if (interrupted === undefined) return undefined;
  const component = documents[interrupted.document];
  const { phase, step } = interrupted;
  const found = component?.document.phases.find(({ name }) => name === phase)?.steps.find(({ name }) => name === step);
  if (component === undefined || found === undefined) return `step ${step} is not of its components any more`;
  if (found.maxAttempts > 1 || isRepeatable(component, step)) return undefined;
  return `step ${step} of phase ${phase} of ${component.id} was running, and it is not known that it can run twice`;
}

function isRepeatable({ repeatable }: PlannedComponent, step: string): boolean {
  return repeatable === 'all' || repeatable.includes(step);
}

/** On a component: which of its steps may run again on the same machine when they were interrupted. */
export const REPEATABLE_TAG = 'kiln:repeatable';

/** `all`, or names of steps with spaces between them. */
export function repeatableSteps(tags: Readonly<Record<string, string>>): PlannedComponent['repeatable'] {
  const value = tags[REPEATABLE_TAG]?.trim() ?? '';
  return value === 'all' ? 'all' : value.split(/\s+/).filter((name) => name !== '');
}

/** The components of the plan that have one of these phases, in their order. */
export function componentsWith(phases: readonly string[], plan: BuildPlan): readonly PlannedComponent[] {
  return plan.components.filter(({ document }) => document.phases.some(({ name }) => phases.includes(name)));
}
