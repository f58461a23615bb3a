import type { ComponentDocument } from './component.ts';

/** The values that `{{ name }}` has in a component: its parameters, by default or as given, and its constants. */
export function namesOf(
  { parameters: declared, constants }: ComponentDocument,
  parameters: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  return new Map([
    ...declared.map(({ name, default: value }): [string, string] => [name, parameters[name] ?? value ?? '']),
    ...constants.map(({ name, value }): [string, string] => [name, value]),
  ]);
}
