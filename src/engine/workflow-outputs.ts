import type { WorkflowDocument, WorkflowValue } from '../documents/workflow.ts';
import {
  hasValue,
  interpolate,
  interpolatedReferences,
  type ReferenceScope,
  resolveReference,
} from '../documents/workflow-references.ts';

/** By their names. */
export type WorkflowOutputs = Readonly<Record<string, WorkflowValue>>;

/** The outputs of a workflow. Those that name a step that was skipped, whole or within text, have no value and are left out. */
export function outputsOf(document: WorkflowDocument, scope: ReferenceScope): WorkflowOutputs {
  const outputs: Record<string, WorkflowValue> = {};
  for (const { name, value } of document.outputs) {
    const references = typeof value === 'string' ? interpolatedReferences(value) : [{ reference: value }];
    if (!references.every(({ reference }) => reference === undefined || hasValue(reference, scope))) continue;
    outputs[name] = typeof value === 'string' ? interpolate(value, scope) : resolveReference(value, scope);
  }
  return outputs;
}
