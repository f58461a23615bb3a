import type { WorkflowDocument, WorkflowValue } from './workflow.ts';
import type { Condition } from './workflow-conditions.ts';
import { interpolatedReferences, parseReference, type Reference } from './workflow-references.ts';

/** Names of the outputs of other workflows that a document reads, each once. */
export function workflowOutputsRead(document: WorkflowDocument): readonly string[] {
  const references = [
    ...document.steps.flatMap(({ condition, inputs, rollbackEnabled }) => [
      ...(condition === undefined ? [] : ofCondition(condition)),
      ...ofValue(inputs),
      ...(typeof rollbackEnabled === 'boolean' ? [] : [rollbackEnabled]),
    ]),
    ...document.outputs.flatMap(({ value }) => (typeof value === 'string' ? ofValue(value) : [value])),
  ];
  return [...new Set(references.filter(({ node }) => node === 'workflowOutputs').map(({ name }) => name))];
}

function ofCondition(condition: Condition): readonly Reference[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.children.flatMap(ofCondition);
    case 'not':
      return ofCondition(condition.child);
    case 'compare':
      return typeof condition.value === 'object' ? [condition.value] : [];
    default:
      return condition satisfies never;
  }
}

function ofValue(value: WorkflowValue): readonly Reference[] {
  if (typeof value === 'string') return interpolatedReferences(value).flatMap(({ reference }) => reference ?? []);
  if (typeof value !== 'object') return [];
  if (isList(value)) return value.flatMap(ofValue);
  return Object.entries(value).flatMap(([key, member]) => {
    const reference = key.endsWith('.$') && typeof member === 'string' ? parseReference(member) : undefined;
    return reference === undefined ? ofValue(member) : [reference];
  });
}

function isList(value: WorkflowValue): value is readonly WorkflowValue[] {
  return Array.isArray(value);
}
