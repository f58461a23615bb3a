import type { ProblemList } from '../util/problem-list.ts';
import { checkKeys, field, readList, readMap, readText } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import { evaluateCondition } from './conditions.ts';
import type { Scope } from './scope.ts';

/** One of the `Rules` of a template: what has to be true of its parameters. */
export interface RuleDeclaration {
  readonly name: string;
  /** When it is to be looked at; always, when undefined. */
  readonly condition: YamlNode | undefined;
  readonly assertions: readonly { readonly assert: YamlNode; readonly description: string | undefined }[];
}

/** Reads the `Rules` section. Source: AWS CloudFormation User Guide, "Rules". */
export function readRules(section: YamlMap, problems: ProblemList): readonly RuleDeclaration[] {
  return section.entries.flatMap(({ key: name, value }) => {
    const what = `the rule '${name}'`;
    const map = readMap(value, what, problems, { required: ['Assertions'], optional: ['RuleCondition'] });
    const list = map === undefined ? undefined : field(map, 'Assertions');
    if (map === undefined || list === undefined) return [];
    const assertions = (readList(list, `Assertions of ${what}`, problems)?.items ?? []).flatMap((item) => {
      const assertion = readMap(item, `an assertion of ${what}`, problems);
      if (assertion === undefined) return [];
      const keys = { required: ['Assert'], optional: ['AssertDescription'] };
      checkKeys(assertion, `an assertion of ${what}`, keys, problems);
      const assert = field(assertion, 'Assert');
      const description = field(assertion, 'AssertDescription');
      const text = description === undefined ? undefined : readText(description, 'AssertDescription', problems);
      return assert === undefined ? [] : [{ assert, description: text }];
    });
    return [{ name, condition: field(map, 'RuleCondition'), assertions }];
  });
}

/** Adds a problem for every assertion that does not hold. Resources are out of reach of rules. */
export function checkRules(rules: readonly RuleDeclaration[], scope: Scope): void {
  const own: Scope = { ...scope, resources: new Map() };
  for (const { name, condition, assertions } of rules) {
    if (condition !== undefined && evaluateCondition(condition, own, 'rules') !== true) continue;
    for (const { assert, description } of assertions) {
      if (evaluateCondition(assert, own, 'rules') !== false) continue;
      scope.problems.add(assert.position, `The rule '${name}' does not hold.`, description);
    }
  }
}
