import { coerceError } from '../../util/faults.ts';
import { ProblemList } from '../../util/problem-list.ts';
import { readStart } from '../../util/read-start.ts';
import { field, readBoolean, readList, readMap, readText } from '../../util/yaml-reader.ts';
import { parseYaml, type YamlMap, type YamlNode } from '../../util/yaml-source.ts';
import { UsageError } from '../command.ts';
import type { DocumentRequest } from './settings.ts';

const TEXTS = [
  'phases',
  'executionId',
  'logDirectory',
  'logS3BucketName',
  'logS3BucketOwner',
  'logS3KeyPrefix',
  'cwLogGroup',
  'cwLogStream',
  'cwLogRegion',
  'documentS3BucketOwner',
  'stateDirectory',
  'blockedActionModules',
] as const;
/** As for documents. */
const MAX_BYTES = 64 * 1024;
const SWITCHES = ['trace', 'cwIgnoreFailures'] as const;
/** The list of keys in AWS's guide spells it so; its example does not. */
const MISSPELT_ID = 'executonId';

/** What the file of `--config` says. Source: EC2 Image Builder User Guide, "Configure input for the AWSTOE run command". */
export type RunConfigFile = {
  readonly documents?: readonly DocumentRequest[];
  readonly parameters?: Readonly<Record<string, string>>;
} & { readonly [Key in (typeof TEXTS)[number]]?: string } & { readonly [Key in (typeof SWITCHES)[number]]?: boolean };

/** Gets an object, of which an `s3://` URI is the name. */
export type ReadObject = (uri: string) => Promise<string>;

/** @throws UsageError when it cannot be read, InvalidDocumentError with every problem otherwise. */
export async function readRunConfig(file: string, readObject: ReadObject): Promise<RunConfigFile> {
  const reading = file.startsWith('s3://') ? readObject(file) : readStart(file, MAX_BYTES + 1);
  const text = await reading.catch((error: unknown) => {
    throw new UsageError(`cannot read the configuration ${file}: ${coerceError(error).message}`);
  });
  return parseRunConfig(text, file);
}

/** @throws InvalidDocumentError with every problem */
export function parseRunConfig(text: string, file: string): RunConfigFile {
  const problems = new ProblemList(file);
  const root = parseYaml(text, problems);
  const keys = { required: ['documents'], optional: ['parameters', MISSPELT_ID, ...TEXTS, ...SWITCHES] };
  const map = root === undefined ? undefined : readMap(root, 'the configuration', problems, keys);
  const config = map === undefined ? {} : readKeys(map, problems);
  problems.throwIfAny();
  return config;
}

function readKeys(map: YamlMap, problems: ProblemList): RunConfigFile {
  const read = <Value>(key: string, reader: (node: YamlNode) => Value | undefined): Record<string, Value> => {
    const node = field(map, key);
    const value = node === undefined ? undefined : reader(node);
    return value === undefined ? {} : { [key]: value };
  };
  const texts = TEXTS.map((key) => read(key, (node) => readText(node, key, problems)));
  const switches = SWITCHES.map((key) => read(key, (node) => readBoolean(node, key, problems)));
  const misspelt = field(map, MISSPELT_ID);
  const id = misspelt === undefined ? undefined : readText(misspelt, MISSPELT_ID, problems);
  return Object.assign(
    id === undefined ? {} : { executionId: id },
    ...texts,
    ...switches,
    read('documents', (node) => readDocuments(node, problems)),
    read('parameters', (node) => readParameters(node, problems)),
  ) as RunConfigFile;
}

function readDocuments(node: YamlNode, problems: ProblemList): readonly DocumentRequest[] | undefined {
  const items = readList(node, 'documents', problems)?.items ?? [];
  if (node.kind === 'list' && items.length === 0) problems.add(node.position, 'The list of documents is empty.');
  return items.flatMap((item): DocumentRequest[] => {
    const map = readMap(item, 'a document', problems, { required: ['path'], optional: ['parameters'] });
    const pathNode = map === undefined ? undefined : field(map, 'path');
    const id = pathNode === undefined ? undefined : readText(pathNode, 'path', problems);
    const parametersNode = map === undefined ? undefined : field(map, 'parameters');
    if (id === undefined) return [];
    return [{ id, parameters: parametersNode === undefined ? {} : readParameters(parametersNode, problems) }];
  });
}

function readParameters(node: YamlNode, problems: ProblemList): Readonly<Record<string, string>> {
  const items = readList(node, 'parameters', problems)?.items ?? [];
  return Object.fromEntries(
    items.flatMap((item): [string, string][] => {
      const map = readMap(item, 'a parameter', problems, { required: ['name', 'value'], optional: [] });
      const nameNode = map === undefined ? undefined : field(map, 'name');
      const valueNode = map === undefined ? undefined : field(map, 'value');
      const name = nameNode === undefined ? undefined : readText(nameNode, 'the name of a parameter', problems);
      const value = valueNode === undefined ? undefined : readText(valueNode, 'the value of a parameter', problems);
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}
