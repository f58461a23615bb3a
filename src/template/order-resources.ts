import type { ProblemList } from '../util/problem-list.ts';
import { suggestion } from '../util/yaml-reader.ts';
import type { EvaluatedResource } from './evaluate-template.ts';
import type { Template } from './read-template.ts';

/** Each resource after those it needs, else in the order of the source. */
export function orderResources(
  template: Template,
  evaluated: ReadonlyMap<string, EvaluatedResource>,
  problems: ProblemList,
): readonly EvaluatedResource[] {
  const ordered: EvaluatedResource[] = [];
  const done = new Set<string>();
  const visit = (logicalId: string, path: readonly string[]): void => {
    const start = path.indexOf(logicalId);
    if (start !== -1) {
      const place = template.resources.get(logicalId)?.position ?? { line: 1, column: 1 };
      problems.add(place, `Resources depend on each other: ${[...path.slice(start), logicalId].join(' -> ')}.`);
      return;
    }
    if (done.has(logicalId)) return;
    for (const needed of neededBy(logicalId, template, evaluated)) visit(needed, [...path, logicalId]);
    if (done.has(logicalId)) return;
    done.add(logicalId);
    const resource = evaluated.get(logicalId);
    if (resource !== undefined) ordered.push(resource);
  };
  checkDependencies(template, problems);
  for (const logicalId of template.resources.keys()) visit(logicalId, []);
  return ordered;
}

/** Dependencies on what is not there, because its condition does not hold, count for nothing. */
function neededBy(
  logicalId: string,
  template: Template,
  evaluated: ReadonlyMap<string, EvaluatedResource>,
): ReadonlySet<string> {
  const references = evaluated.get(logicalId)?.references ?? [];
  const dependencies = template.resources.get(logicalId)?.dependsOn ?? [];
  return new Set([...references.map((reference) => reference.logicalId), ...dependencies.map(({ name }) => name)]);
}

function checkDependencies(template: Template, problems: ProblemList): void {
  for (const { dependsOn } of template.resources.values()) {
    for (const { name, position } of dependsOn) {
      if (template.resources.has(name)) continue;
      problems.add(position, `There is no resource '${name}'.`, suggestion(name, [...template.resources.keys()]));
    }
  }
}
