import type { SourcePosition } from '../util/problem.ts';
import { ProblemList } from '../util/problem-list.ts';
import { checkKeys, field, readList, readMap, readText, readWord, suggestion } from '../util/yaml-reader.ts';
import { parseYaml, type YamlMap, type YamlNode } from '../util/yaml-source.ts';
import { type Mappings, readMappings } from './mappings.ts';
import { FOREIGN_TYPES, isNamedType, NAMED_TYPES, type NamedTypeName } from './named-types.ts';
import { type ParameterDeclaration, readParameters } from './parameters.ts';
import { RESOURCE_TYPES, type ResourceTypeName } from './resource-types.ts';
import { type RuleDeclaration, readRules } from './rules.ts';

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

export interface ResourceDeclaration {
  readonly logicalId: string;
  readonly type: ResourceTypeName | NamedTypeName;
  /** Where its logical id stands. */
  readonly position: SourcePosition;
  readonly properties: YamlNode | undefined;
  /** It is there only when this condition holds. */
  readonly condition: NameInTemplate | undefined;
  readonly dependsOn: readonly NameInTemplate[];
  /** What stays of it when it leaves the stack. */
  readonly retained: Retained;
}

/** A name where the template uses it. */
export interface NameInTemplate {
  readonly name: string;
  readonly position: SourcePosition;
}

/** `DeletionPolicy: Retain` and `UpdateReplacePolicy: Retain`. */
export interface Retained {
  readonly onDeletion: boolean;
  readonly onReplacement: boolean;
}

export interface OutputDeclaration {
  readonly name: string;
  readonly description: string | undefined;
  readonly condition: NameInTemplate | undefined;
  readonly value: YamlNode;
}

/** Bytes of a template. Source: AWS CloudFormation User Guide, "CloudFormation quotas" (template body in S3). */
const MAX_TEMPLATE_BYTES = 1024 * 1024;

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
const RESOURCE_KEYS = ['Properties', 'DependsOn', 'Condition', 'Metadata', 'DeletionPolicy', 'UpdateReplacePolicy'];
const RESOURCE_KEYS_NOT_YET = ['CreationPolicy', 'UpdatePolicy'];

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

/** The map without the keys that CloudFormation has and Kiln refuses, each of which becomes a problem. */
function without(map: YamlMap, keys: readonly string[], what: string, problems: ProblemList): YamlMap {
  const entries = map.entries.filter((entry) => {
    const refused = keys.includes(entry.key);
    if (refused) problems.add(entry.keyPosition, `Kiln does not support ${what} ${entry.key} of templates.`);
    return !refused;
  });
  return { ...map, entries };
}

function readResources(resources: YamlMap, problems: ProblemList): ReadonlyMap<string, ResourceDeclaration> {
  const declarations = new Map<string, ResourceDeclaration>();
  for (const { key, keyPosition, value } of resources.entries) {
    if (!/^[A-Za-z0-9]{1,255}$/.test(key)) {
      problems.add(keyPosition, `'${key}' is not a logical id.`, 'letters and digits only');
    }
    const declaration = readResource(key, keyPosition, value, problems);
    if (declaration !== undefined) declarations.set(key, declaration);
  }
  return declarations;
}

function readResource(
  logicalId: string,
  position: SourcePosition,
  node: YamlNode,
  problems: ProblemList,
): ResourceDeclaration | undefined {
  const what = `the resource '${logicalId}'`;
  const written = readMap(node, what, problems);
  if (written === undefined) return undefined;
  const map = without(written, RESOURCE_KEYS_NOT_YET, 'the attribute', problems);
  checkKeys(map, what, { required: ['Type'], optional: RESOURCE_KEYS }, problems);
  const retained = {
    onDeletion: readRetained(field(map, 'DeletionPolicy'), 'DeletionPolicy', problems),
    onReplacement: readRetained(field(map, 'UpdateReplacePolicy'), 'UpdateReplacePolicy', problems),
  };
  const condition = readCondition(map, what, problems);
  const typeNode = field(map, 'Type');
  const type = typeNode === undefined ? undefined : readType(typeNode, what, problems);
  const dependsOn = readDependsOn(field(map, 'DependsOn'), what, problems);
  return type === undefined
    ? undefined
    : { logicalId, type, position, properties: field(map, 'Properties'), condition, dependsOn, retained };
}

function readCondition(map: YamlMap, what: string, problems: ProblemList): NameInTemplate | undefined {
  const node = field(map, 'Condition');
  const name = node === undefined ? undefined : readText(node, `Condition of ${what}`, problems);
  return node === undefined || name === undefined ? undefined : { name, position: node.position };
}

/** Source: AWS CloudFormation User Guide, "DeletionPolicy attribute". Nothing here has snapshots to be taken. */
function readRetained(node: YamlNode | undefined, key: string, problems: ProblemList): boolean {
  if (node === undefined) return false;
  // On failure of a first deployment Kiln takes nothing back, so there is no difference between the two ways to retain.
  const words = key === 'DeletionPolicy' ? ['Delete', 'Retain', 'RetainExceptOnCreate'] : ['Delete', 'Retain'];
  const word = readWord(node, key, words, problems);
  return word !== undefined && word !== 'Delete';
}

function readType(node: YamlNode, what: string, problems: ProblemList): ResourceTypeName | NamedTypeName | undefined {
  const text = readText(node, `Type of ${what}`, problems);
  if (text === undefined || isNamedType(text)) return text;
  const names = Object.keys(RESOURCE_TYPES) as ResourceTypeName[];
  const type = names.find((name) => name === text);
  if (type !== undefined) return type;
  const isOurs = text.startsWith('AWS::ImageBuilder::') || !/^[A-Z]\w*::/.test(text);
  const reason = Object.hasOwn(FOREIGN_TYPES, text) ? FOREIGN_TYPES[text] : FOREIGN;
  problems.add(
    node.position,
    `Kiln does not support resources of type '${text}'.`,
    isOurs ? suggestion(text, names) : reason,
  );
  return undefined;
}

const FOREIGN = `AWS::ImageBuilder types, and as names only ${Object.keys(NAMED_TYPES).join(', ')}; make a name or ARN from elsewhere a parameter`;

function readDependsOn(node: YamlNode | undefined, what: string, problems: ProblemList): readonly NameInTemplate[] {
  if (node === undefined) return [];
  const items = node.kind === 'scalar' ? [node] : (readList(node, `DependsOn of ${what}`, problems)?.items ?? []);
  return items.flatMap((item) => {
    const name = readText(item, `DependsOn of ${what}`, problems);
    return name === undefined ? [] : [{ name, position: item.position }];
  });
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
