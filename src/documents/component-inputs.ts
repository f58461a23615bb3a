import type { ProblemList } from '../util/problem-list.ts';
import { checkKeys, field, readList, readMap, readText, wrongType } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import { convertInput } from './action-modules/convert.ts';
import type { ActionModule, DocumentOs, ModuleInput } from './action-modules/module.ts';
import type { InputValue, StepInputs } from './component.ts';
import { readCondition } from './component-conditions.ts';
import { hasExpression, textsOf } from './component-expressions.ts';
import { REGISTRY_TYPES, registryPath, registryValue } from './registry.ts';

/** Inputs of a step as its module's table has them; a map is a list of one. Undefined when something is wrong. */
export function readInputs(
  node: YamlNode,
  module: ActionModule,
  os: DocumentOs,
  problems: ProblemList,
): readonly StepInputs[] | undefined {
  const what = `inputs of ${module.name}`;
  if (module.shape === 'condition') {
    const condition = readCondition(node, `The condition of ${module.name}`, problems);
    return condition === undefined ? undefined : [condition];
  }
  if (module.shape === 'map') {
    if (node.kind !== 'map') return wrongType(node, what, 'a map', problems);
    const inputs = readEntry(node, what, module, os, problems);
    return inputs === undefined ? undefined : [inputs];
  }
  if (node.kind !== 'list') return wrongType(node, what, 'a list of maps (each begins with a dash)', problems);
  const entries = node.items.map((item) =>
    item.kind === 'map'
      ? readEntry(item, `an entry of the ${what}`, module, os, problems)
      : wrongType(item, `an entry of the ${what}`, 'a map', problems),
  );
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

function readEntry(
  map: YamlMap,
  what: string,
  module: ActionModule,
  os: DocumentOs,
  problems: ProblemList,
): StepInputs | undefined {
  const names = Object.keys(module.inputs);
  const before = problems.count;
  const required = names.filter((name) => module.inputs[name]?.required === true);
  checkKeys(map, what, { required, optional: names.filter((name) => !required.includes(name)) }, problems);
  const values: Record<string, InputValue> = {};
  for (const { key, keyPosition, value } of map.entries) {
    const input = Object.hasOwn(module.inputs, key) ? module.inputs[key] : undefined;
    if (input === undefined) continue;
    if (os === 'windows' && NOT_ON_WINDOWS.includes(key)) {
      problems.add(keyPosition, `${module.name} cannot set '${key}' on Windows.`);
    }
    // `content:` with nothing behind it is what an optional input is without the key.
    if (value.kind === 'scalar' && value.value === null && input.required !== true) continue;
    const read = readValue(value, key, input, problems);
    if (read !== undefined) values[key] = read;
  }
  // What is wrong on its own would only be told twice.
  if (problems.count === before) checkTogether(map, module, values, problems);
  return problems.count > before ? undefined : values;
}

const NOT_ON_WINDOWS: readonly string[] = ['owner', 'group', 'permissions'];

function readValue(node: YamlNode, key: string, input: ModuleInput, problems: ProblemList): InputValue | undefined {
  if (input.type === 'texts') return readTexts(node, key, input, problems);
  if (input.type === 'properties') return readProperties(node, key, problems);
  if (input.type === 'parameters') return readParameterValues(node, key, problems);
  if (input.type === 'registry' && node.kind === 'list') return readTexts(node, key, input, problems);
  const text = readText(node, `'${key}'`, problems);
  if (text === undefined || hasExpression(text)) return text;
  const converted = convertInput(input, text);
  if (converted.ok) return converted.value;
  problems.add(node.position, `'${key}' ${converted.message}.`, converted.hint);
  return undefined;
}

function readTexts(node: YamlNode, key: string, input: ModuleInput, problems: ProblemList): InputValue | undefined {
  if (node.kind !== 'list') return wrongType(node, `'${key}'`, 'a list (each item begins with a dash)', problems);
  if (node.items.length === 0 && input.required === true) {
    problems.add(node.position, `'${key}' is an empty list.`, 'at least one item is expected');
    return undefined;
  }
  const texts = node.items.map((item) => readText(item, `an item of '${key}'`, problems));
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** Properties that belong to the run. Source: User Guide, "InstallMSI". */
const OWN_PROPERTIES: readonly string[] = ['REBOOT', 'REINSTALLMODE', 'REINSTALL'];

function readProperties(node: YamlNode, key: string, problems: ProblemList): InputValue | undefined {
  const map = readMap(node, `'${key}'`, problems);
  if (map === undefined) return undefined;
  const pairs = map.entries.map(({ key: name, keyPosition, value }): [string, string] => {
    if (OWN_PROPERTIES.includes(name.toUpperCase())) problems.add(keyPosition, `'${key}' cannot set ${name}.`);
    else if (!/^[A-Za-z_][A-Za-z0-9_.]*$/.test(name))
      problems.add(keyPosition, `'${name}' is not the name of a property.`);
    return [name, readText(value, `the property '${name}'`, problems) ?? ''];
  });
  return Object.fromEntries(pairs);
}

function readParameterValues(node: YamlNode, key: string, problems: ProblemList): InputValue | undefined {
  const list = readList(node, `'${key}'`, problems);
  return list?.items.flatMap((item) => {
    const map = readMap(item, `an item of '${key}'`, problems, { required: ['name', 'value'], optional: [] });
    const text = (of: string): string | undefined => {
      const value = map === undefined ? undefined : field(map, of);
      return value === undefined ? undefined : readText(value, `'${of}' of an item of '${key}'`, problems);
    };
    const [name, value] = [text('name'), text('value')];
    return name === undefined || value === undefined ? [] : [{ name, value }];
  });
}

/** Rules between inputs of one entry. */
function checkTogether(
  map: YamlMap,
  module: ActionModule,
  values: Readonly<Record<string, InputValue>>,
  problems: ProblemList,
): void {
  const choice = module.exactlyOneOf;
  if (choice !== undefined && choice.filter((name) => name in values).length !== 1) {
    problems.add(map.position, `${module.name} needs exactly one of ${choice.join(' and ')}.`);
  }
  if (module.name === 'SetRegistry') checkRegistry(map, values, problems);
  if (module.name !== 'WebDownload') return;
  const wrong = whatIsWrongWithChecksum(values['checksum'], values['algorithm']);
  if (wrong !== undefined) problems.add(map.position, `${wrong}.`);
}

function checkRegistry(map: YamlMap, values: Readonly<Record<string, InputValue>>, problems: ProblemList): void {
  const { path, type, value } = values;
  if (typeof path === 'string' && !hasExpression(path) && registryPath(path) === undefined) {
    const position = field(map, 'path')?.position ?? map.position;
    problems.add(position, `'${path}' does not begin with a registry hive.`, 'such as HKLM:\\ or HKEY_LOCAL_MACHINE\\');
  }
  const known = REGISTRY_TYPES.find((each) => each === type);
  if (known === undefined || value === undefined || [...textsOf(value)].some(hasExpression)) return;
  const checked = registryValue(known, value);
  if (!checked.ok) problems.add(field(map, 'value')?.position ?? map.position, `'value' ${checked.message}.`);
}

const DIGEST_LENGTH: Readonly<Record<string, number>> = { MD5: 32, SHA1: 40, SHA256: 64, SHA512: 128 };

/** A checksum that nobody verifies is worse than none, so the two inputs are only taken together. */
export function whatIsWrongWithChecksum(
  checksum: InputValue | undefined,
  algorithm: InputValue | undefined,
): string | undefined {
  if ((checksum === undefined) !== (algorithm === undefined)) {
    return `'checksum' and 'algorithm' must be given together`;
  }
  if (typeof checksum !== 'string' || typeof algorithm !== 'string') return undefined;
  if (hasExpression(checksum) || hasExpression(algorithm)) return undefined;
  const length = DIGEST_LENGTH[algorithm];
  if (length === undefined || new RegExp(`^[0-9a-fA-F]{${length}}$`).test(checksum)) return undefined;
  return `'checksum' must be ${length} hexadecimal digits for ${algorithm}`;
}
