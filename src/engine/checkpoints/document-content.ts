import type { ComponentDocument } from '../../documents/component.ts';
import type { WorkflowDocument } from '../../documents/workflow.ts';

/** What of a component document decides what some of its phases do: its name, comments, descriptions and places do not. */
export function documentContent(document: ComponentDocument, phases: readonly string[]): unknown {
  return {
    parameters: document.parameters.map(({ name, type, default: value }) => ({ name, type, value })),
    constants: document.constants,
    phases: document.phases.filter(({ name }) => phases.includes(name)).map(withoutPlaces),
  };
}

export function workflowContent(document: WorkflowDocument): unknown {
  const { description: _, ...rest } = document;
  return withoutPlaces(rest);
}

const NOT_CONTENT = ['position', 'description'];

function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      // A step's inputs are the author's own words, whatever they are called.
      .filter(([name]) => !NOT_CONTENT.includes(name))
      .map(([name, member]) => [name, name === 'inputs' ? member : withoutPlaces(member)]),
  );
}
