import { ProblemList } from '../util/problem-list.ts';
import { checkKeys, field, readMap, readText, readWord } from '../util/yaml-reader.ts';
import { parseYaml, type YamlMap, type YamlNode } from '../util/yaml-source.ts';
import { type Mappings, readMappings } from './mappings.ts';
import { type ParameterDeclaration, readParameters } from './parameter-declarations.ts';
import {
  type NameInTemplate,
  type ResourceDeclaration,
  readCondition,
  readResources,
  without,
} from './read-resources.ts';
import { type RuleDeclaration, readRules } from './rules.ts';
import { MAX_TEMPLATE_BYTES } from './template-size.ts';

/** A template as it was written: sections and resources are known, functions are not evaluated yet. */
export interface Template {
  readonly file: string;
  readonly text: string;
  readonly description: string | undefined;
  readonly parameters: ReadonlyMap<string, ParameterDeclaration>;
  readonly mappings: Mappings;
  readonly conditions: YamlMap;
  readonly rules: readonly RuleDeclaration[];
  /** In the order of the source. */
  readonly resources: ReadonlyMap<string, ResourceDeclaration>;
  readonly outputs: readonly OutputDeclaration[];
}

export interface OutputDeclaration {
  readonly name: string;
  readonly description: string | undefined;
  readonly condition: NameInTemplate | undefined;
  readonly value: YamlNode;
}

const SECTIONS = [
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Mappings',
  'Conditions',
  'Rules',
  'Outputs',
];
const SECTIONS_NOT_YET = ['Transform', 'Hooks'];
/**
 * Reads a CloudFormation template, YAML or JSON.
 *
 * @param file How problems name the file.
 * @throws InvalidDocumentError with everything that is wrong in the structure of the template.
 */
export function readTemplate(text: string, file: string): Template {
  const problems = new ProblemList(file);
  const root = parseYaml(text, problems, { customTags: true, maxBytes: MAX_TEMPLATE_BYTES });
  problems.throwIfAny();
  const map = root === undefined ? undefined : readMap(root, 'the template', problems);
  if (map === undefined) {
    problems.throwIfAny();
    throw new Error('unreachable: a template without a root has problems');
  }
  const sections = without(map, SECTIONS_NOT_YET, 'the section', problems);
  checkKeys(sections, 'the template', { required: ['Resources'], optional: SECTIONS }, problems);
  checkFormatVersion(field(map, 'AWSTemplateFormatVersion'), problems);

  const description = field(map, 'Description');
  const template: Template = {
    file,
    text,
    description: description === undefined ? undefined : readText(description, 'Description', problems),
    parameters: readParameters(section(map, 'Parameters', problems), problems),
    mappings: readMappings(section(map, 'Mappings', problems), problems),
    conditions: section(map, 'Conditions', problems),
    rules: readRules(section(map, 'Rules', problems), problems),
    resources: readResources(section(map, 'Resources', problems), problems),
    outputs: section(map, 'Outputs', problems).entries.flatMap(({ key, value }) => readOutput(key, value, problems)),
  };
  problems.throwIfAny();
  return template;
}

function section(map: YamlMap, name: string, problems: ProblemList): YamlMap {
  const node = field(map, name);
  const empty: YamlMap = { kind: 'map', position: map.position, tag: undefined, entries: [] };
  return node === undefined ? empty : (readMap(node, `the section ${name}`, problems) ?? empty);
}

function checkFormatVersion(node: YamlNode | undefined, problems: ProblemList): void {
  if (node !== undefined) readWord(node, 'AWSTemplateFormatVersion', ['2010-09-09'], problems);
}

function readOutput(name: string, node: YamlNode, problems: ProblemList): readonly OutputDeclaration[] {
  const what = `the output '${name}'`;
  const written = readMap(node, what, problems);
  if (written === undefined) return [];
  const map = without(written, ['Export'], 'the key', problems);
  checkKeys(map, what, { required: ['Value'], optional: ['Description', 'Condition'] }, problems);
  const value = field(map, 'Value');
  const description = field(map, 'Description');
  if (value === undefined) return [];
  const text = description === undefined ? undefined : readText(description, `Description of ${what}`, problems);
  return [{ name, description: text, condition: readCondition(map, what, problems), value }];
}
