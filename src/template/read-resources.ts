import type { SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { checkKeys, field, readList, readMap, readText, readWord, suggestion } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import { FOREIGN_TYPES, isNamedType, NAMED_TYPES, type NamedTypeName } from './named-types.ts';
import { RESOURCE_TYPES, type ResourceTypeName } from './resource-types.ts';

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

const RESOURCE_KEYS = ['Properties', 'DependsOn', 'Condition', 'Metadata', 'DeletionPolicy', 'UpdateReplacePolicy'];
const RESOURCE_KEYS_NOT_YET = ['CreationPolicy', 'UpdatePolicy'];

/** Reads the `Resources` section. */
export function readResources(resources: YamlMap, problems: ProblemList): ReadonlyMap<string, ResourceDeclaration> {
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

/** The condition under which something is there. */
export function readCondition(map: YamlMap, what: string, problems: ProblemList): NameInTemplate | undefined {
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

/** The map without the keys that CloudFormation has and Kiln refuses, each of which becomes a problem. */
export function without(map: YamlMap, keys: readonly string[], what: string, problems: ProblemList): YamlMap {
  const entries = map.entries.filter((entry) => {
    const refused = keys.includes(entry.key);
    if (refused) problems.add(entry.keyPosition, `Kiln does not support ${what} ${entry.key} of templates.`);
    return !refused;
  });
  return { ...map, entries };
}
