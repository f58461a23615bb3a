import type { Problem } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import type { InputValue, Phase, Step, StepInputs } from './component.ts';
import { isNumber } from './component-conditions.ts';
import { hasExpression } from './component-expressions.ts';

/**
 * Finds steps that can never run. Behind a step that ends every run nothing can be reached, which is refused: such a
 * document fails always. A step that is itself switched off by a condition that can only have one outcome is legal
 * (people switch steps off so) and only worth a warning.
 */
export function checkReachability(phases: readonly Phase[], file: string, problems: ProblemList): readonly Problem[] {
  const warnings: Problem[] = [];
  for (const { steps } of phases) {
    const end = steps.findIndex(endsEveryRun);
    const behind = end < 0 ? undefined : steps[end + 1];
    const last = steps[end];
    if (behind !== undefined && last !== undefined) {
      problems.add(
        behind.position,
        `The step '${behind.name}' and those behind it are never reached: '${last.name}' (line ${last.position.line}) always ends the run.`,
        "mend its condition, or give it 'onFailure: Continue'",
      );
    }
    for (const step of steps) {
      const why = whyNeverRun(step);
      if (why === undefined) continue;
      warnings.push({ file, position: step.position, message: `The step '${step.name}' never runs: ${why}.` });
    }
  }
  return warnings;
}

/** Whether a step fails whatever happens, and its failure is the end. */
function endsEveryRun(step: Step): boolean {
  if (step.onFailure !== 'Abort') return false;
  const decision = decisionOf(step);
  if (decision === 'Abort') return true;
  return decision === 'Execute' && step.action === 'Assert' && constantOf(step.inputs[0]) === false;
}

function whyNeverRun(step: Step): string | undefined {
  if (step.condition === undefined || decisionOf(step) !== 'Skip') return undefined;
  const { whenTrue, whenFalse } = step.condition;
  if (whenTrue === 'Skip' && whenFalse === 'Skip') return "both outcomes of its 'if' skip it";
  return `its 'if' is always ${whenTrue === 'Skip' ? 'true' : 'false'}`;
}

/** What `if` always decides; undefined when it depends on the run. */
function decisionOf({ condition }: Step): 'Execute' | 'Skip' | 'Abort' | undefined {
  if (condition === undefined) return 'Execute';
  const { whenTrue, whenFalse } = condition;
  if (whenTrue === whenFalse) return whenTrue;
  const constant = constantOf(condition.condition);
  return constant === undefined ? undefined : constant ? whenTrue : whenFalse;
}

/** The value of a condition that looks at nothing but literals. */
function constantOf(condition: StepInputs | undefined): boolean | undefined {
  const [name, operand] = Object.entries(condition ?? {})[0] ?? [];
  if (condition === undefined || name === undefined) return undefined;
  if (name === 'not') return negate(constantOf(operand as StepInputs));
  if (name === 'and' || name === 'or') {
    const parts = (operand as readonly StepInputs[]).map(constantOf);
    const decides = name === 'or';
    if (parts.includes(decides)) return decides;
    return parts.includes(undefined) ? undefined : !decides;
  }
  const value = condition['value'];
  if ([operand, value].some((each) => typeof each === 'string' && hasExpression(each))) return undefined;
  if (name === 'stringIsEmpty') return String(operand) === '';
  if (name === 'stringEquals') return String(operand) === String(value);
  if (name === 'numberEquals') return isNumberText(operand) && isNumberText(value) && Number(operand) === Number(value);
  return undefined;
}

function isNumberText(value: InputValue | undefined): boolean {
  return value !== undefined && isNumber(value);
}

function negate(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value;
}
