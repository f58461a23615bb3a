import { invalidParameter } from '../contract/errors.ts';

/** What stands for the parts that Image Builder fills in. Source: User Guide, "Create a new version of a container recipe". */
const VARIABLES = ['parentImage', 'environments', 'components'] as const;
const VARIABLE = /\{\{\{\s*imagebuilder:([^{}]*?)\s*\}\}\}/g;

/** Throws InvalidParameterValueException of `member` when a build could make nothing of the template. */
export function checkDockerfileTemplate(member: string, template: string, hasComponents: boolean): void {
  const names = [...template.matchAll(VARIABLE)].map(([, name = '']) => name);
  const unknown = names.find((name) => !VARIABLES.some((known) => known === name));
  if (unknown !== undefined) {
    throw invalidParameter(
      member,
      `'{{{ imagebuilder:${unknown} }}}' is not known; the variables are ${VARIABLES.join(', ')}.`,
    );
  }
  const needed = hasComponents ? VARIABLES : (['parentImage'] as const);
  const missing = needed.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    const variables = missing.map((name) => `'{{{ imagebuilder:${name} }}}'`).join(' and ');
    throw invalidParameter(member, `The template must contain ${variables}.`);
  }
  if (names.indexOf('components') !== -1 && names.indexOf('components') < names.indexOf('environments')) {
    throw invalidParameter(member, "'{{{ imagebuilder:components }}}' must come after the environments.");
  }
}
