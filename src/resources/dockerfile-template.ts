import { invalidParameter } from '../contract/errors.ts';
import type { RequestProblems } from './request-problems.ts';

/** What stands for the parts that Image Builder fills in. Source: User Guide, "Create a new version of a container recipe". */
const VARIABLES = ['parentImage', 'environments', 'components'] as const;
const VARIABLE = /\{\{\{\s*imagebuilder:([^{}]*?)\s*\}\}\}/g;

/** Reports why a build could make nothing of the template that `member` carries. */
export function checkDockerfileTemplate(
  member: string,
  template: string,
  hasComponents: boolean,
  problems: RequestProblems,
): void {
  const names = [...template.matchAll(VARIABLE)].map(([, name = '']) => name);
  const unknown = names.filter((name) => !VARIABLES.some((known) => known === name));
  for (const name of new Set(unknown)) {
    const problem = invalidParameter(
      member,
      `'{{{ imagebuilder:${name} }}}' is not known; the variables are ${VARIABLES.join(', ')}.`,
    );
    problems.add(problem);
  }
  const needed = hasComponents ? VARIABLES : (['parentImage'] as const);
  const missing = needed.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    const variables = missing.map((name) => `'{{{ imagebuilder:${name} }}}'`).join(' and ');
    problems.add(invalidParameter(member, `The template must contain ${variables}.`));
  }
  if (names.indexOf('components') !== -1 && names.indexOf('components') < names.indexOf('environments')) {
    problems.add(invalidParameter(member, "'{{{ imagebuilder:components }}}' must come after the environments."));
  }
}
