import type { ComponentDocument, InputValue } from '../../documents/component.ts';

const LONGEST = 160;

/** The command of a document step as it is written there, on one line; undefined for actions that run none. */
export function commandOfStep(document: ComponentDocument, phase: string, step: string): string | undefined {
  const found = document.phases.find(({ name }) => name === phase)?.steps.find(({ name }) => name === step);
  const [inputs] = found?.inputs ?? [];
  if (inputs === undefined || found === undefined) return undefined;
  if (found.action === 'ExecuteBash' || found.action === 'ExecutePowerShell') {
    return short(textsOf(inputs['commands']).join('; '));
  }
  if (found.action === 'ExecuteBinary') {
    return short([...textsOf(inputs['path']), ...textsOf(inputs['arguments'])].join(' '));
  }
  return undefined;
}

function textsOf(value: InputValue | undefined): readonly string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

function short(command: string): string | undefined {
  const line = command.replace(/\s*\n\s*/g, '; ').trim();
  if (line === '') return undefined;
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}
