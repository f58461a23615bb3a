import type { WorkflowParameterDetail } from '@aws-sdk/client-imagebuilder';
import type { WorkflowDocument, WorkflowValue } from '../documents/workflow.ts';

/** The parameters of a document as Get answers them: every value is a list of texts. */
export function workflowParameters({ parameters }: WorkflowDocument): WorkflowParameterDetail[] | undefined {
  if (parameters.length === 0) return undefined;
  return parameters.map(({ name, type, default: value, description }) => ({
    name,
    type,
    ...(value === undefined ? {} : { defaultValue: texts(value) }),
    ...(description === undefined ? {} : { description }),
  }));
}

function texts(value: WorkflowValue): string[] {
  return Array.isArray(value) ? value.map(String) : [String(value)];
}
