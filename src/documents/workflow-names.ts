import { didYouMean, type SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import type { WorkflowParameter } from './workflow.ts';
import { type ActionValueType, isWorkflowAction, workflowAction } from './workflow-actions.ts';
import {
  interpolatedReferences,
  parseReference,
  type Reference,
  SYSTEM_VARIABLES,
  systemVariable,
} from './workflow-references.ts';

/** The names that references at one place of a document may use. */
export interface KnownNames {
  readonly parameters: readonly WorkflowParameter[];
  /** Steps above this place, with their action as written. */
  readonly stepsBefore: ReadonlyMap<string, string>;
  /** All steps, to tell "later" from "nowhere". */
  readonly allSteps: ReadonlySet<string>;
}

const FORMS = '$.parameters.NAME, $.stepOutputs.STEP.OUTPUT, $.workflowOutputs.NAME or $.imagebuilder.NAME';

/** Reads a reference and checks that what it names exists above; adds a problem and gives undefined otherwise. */
export function checkReference(
  text: string,
  position: SourcePosition,
  names: KnownNames,
  problems: ProblemList,
): Reference | undefined {
  const reference = parseReference(text);
  if (reference === undefined) {
    problems.add(position, `'${text}' is not a reference.`, `write ${FORMS}`);
    return undefined;
  }
  const before = problems.count;
  checkNames(reference, position, names, problems);
  return problems.count === before ? reference : undefined;
}

/** Checks every `{{ $.… }}` in a text. */
export function checkText(text: string, position: SourcePosition, names: KnownNames, problems: ProblemList): void {
  for (const { text: inner } of interpolatedReferences(text)) checkReference(inner, position, names, problems);
}

/** The type of what a reference names, where the document tells it. */
export function referenceType(reference: Reference, names: KnownNames): ActionValueType | undefined {
  if (reference.path.length > 0) return undefined;
  if (reference.node === 'parameters') {
    return names.parameters.find((parameter) => parameter.name === reference.name)?.type;
  }
  const action = reference.step === undefined ? undefined : names.stepsBefore.get(reference.step);
  if (action === undefined || !isWorkflowAction(action)) return undefined;
  return workflowAction(action).outputs[reference.name]?.type;
}

function checkNames(reference: Reference, position: SourcePosition, names: KnownNames, problems: ProblemList): void {
  const unknown = (what: string, name: string, candidates: readonly string[]): void => {
    const near = didYouMean(name, candidates);
    const allowed = candidates.length === 0 ? 'there is none' : `there are: ${candidates.join(', ')}`;
    problems.add(position, `There is no ${what} '${name}'.`, near === undefined ? allowed : `did you mean '${near}'?`);
  };
  switch (reference.node) {
    case 'parameters': {
      const known = names.parameters.map((parameter) => parameter.name);
      if (!known.includes(reference.name)) unknown('parameter', reference.name, known);
      return;
    }
    case 'imagebuilder':
      if (systemVariable(reference.name) === undefined) unknown('system variable', reference.name, SYSTEM_VARIABLES);
      return;
    case 'stepOutputs': {
      const step = reference.step ?? '';
      const action = names.stepsBefore.get(step);
      if (action === undefined && names.allSteps.has(step)) {
        problems.add(position, `Step '${step}' has no outputs yet here: it does not run before this place.`);
      } else if (action === undefined) {
        unknown('step', step, [...names.stepsBefore.keys()]);
      } else if (isWorkflowAction(action)) {
        const outputs = Object.keys(workflowAction(action).outputs);
        if (!outputs.includes(reference.name)) unknown(`output of ${action}`, reference.name, outputs);
      }
      return;
    }
    case 'workflowOutputs':
      // Outputs of other documents: known only when the image's workflows are put together.
      return;
    default:
      reference.node satisfies never;
  }
}
