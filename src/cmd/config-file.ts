import type { RequestRate } from '../api/rate-limit.ts';
import type { MailServer } from '../notifications/mail.ts';
import { QUOTAS, type Quotas } from '../resources/quota-table.ts';
import { ProblemList } from '../util/problem-list.ts';
import { field, readInteger, readMap, readText, readWord } from '../util/yaml-reader.ts';
import { parseYaml, type YamlMap } from '../util/yaml-source.ts';
import { readMailServer } from './mail-server.ts';
import { ACCOUNT_ID, type InstanceSize, LOG_LEVELS, type LogLevel, REGION } from './settings.ts';

/** What `KILN_HOME/config.yaml` may say. */
export interface ConfigFile {
  readonly port?: number;
  readonly region?: string;
  readonly accountId?: string;
  readonly databaseUrl?: string;
  readonly concurrency?: number;
  readonly cacheSizeGiB?: number;
  readonly logLevel?: LogLevel;
  readonly requestRate?: RequestRate;
  readonly quotas?: Partial<Quotas>;
  readonly publicUrl?: string;
  readonly mailServer?: MailServer;
  readonly instanceTypes: Readonly<Record<string, InstanceSize>>;
}

const KEYS = [
  'port',
  'region',
  'accountId',
  'databaseUrl',
  'concurrency',
  'cacheSizeGiB',
  'logLevel',
  'requestRate',
  'quotas',
  'instanceTypes',
  'publicUrl',
  'smtp',
];

/** @throws InvalidDocumentError with places */
export function readConfigFile(text: string, file: string): ConfigFile {
  if (text.trim() === '') return { instanceTypes: {} };
  const problems = new ProblemList(file);
  const root = parseYaml(text, problems);
  const map =
    root === undefined ? undefined : readMap(root, 'the configuration', problems, { required: [], optional: KEYS });
  problems.throwIfAny();
  if (map === undefined) return { instanceTypes: {} };
  const config: ConfigFile = {
    ...defined('port', readNumber(map, 'port', 0, 65_535, problems)),
    ...defined('region', readMatching(map, 'region', REGION, problems)),
    ...defined('accountId', readMatching(map, 'accountId', ACCOUNT_ID, problems)),
    ...defined('databaseUrl', readMatching(map, 'databaseUrl', /^postgres(?:ql)?:\/\//, problems)),
    ...defined('concurrency', readNumber(map, 'concurrency', 1, 64, problems)),
    ...defined('cacheSizeGiB', readNumber(map, 'cacheSizeGiB', 0, 1_000_000, problems)),
    ...defined('logLevel', readLogLevel(map, problems)),
    ...defined('quotas', readQuotas(map, problems)),
    ...defined('requestRate', readRequestRate(map, problems)),
    ...defined('publicUrl', readMatching(map, 'publicUrl', /^https?:\/\/[^/?#\s]+\/?$/, problems)),
    ...defined('mailServer', readMailServer(map, problems)),
    instanceTypes: readInstanceTypes(map, problems),
  };
  problems.throwIfAny();
  return config;
}

function defined<Key extends string, Value>(key: Key, value: Value | undefined): { [Name in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [Name in Key]?: Value });
}

function readNumber(map: YamlMap, key: string, min: number, max: number, problems: ProblemList): number | undefined {
  const node = field(map, key);
  const value = node === undefined ? undefined : readInteger(node, key, problems);
  if (node === undefined || value === undefined) return undefined;
  if (value < min || value > max) problems.add(node.position, `${key} must be from ${min} to ${max}.`);
  return value;
}

function readMatching(map: YamlMap, key: string, pattern: RegExp, problems: ProblemList): string | undefined {
  const node = field(map, key);
  const text = node === undefined ? undefined : readText(node, key, problems);
  if (node === undefined || text === undefined) return undefined;
  if (!pattern.test(text)) problems.add(node.position, `${key} must match ${pattern.source}.`);
  return text;
}

function readLogLevel(map: YamlMap, problems: ProblemList): LogLevel | undefined {
  const node = field(map, 'logLevel');
  return node === undefined ? undefined : readWord(node, 'logLevel', LOG_LEVELS, problems);
}

function readRequestRate(map: YamlMap, problems: ProblemList): RequestRate | undefined {
  const node = field(map, 'requestRate');
  if (node === undefined) return undefined;
  const rate = readMap(node, 'requestRate', problems, { required: ['perSecond', 'burst'], optional: [] });
  if (rate === undefined) return undefined;
  const perSecond = readNumber(rate, 'perSecond', 1, 1_000_000, problems);
  const burst = readNumber(rate, 'burst', 1, 1_000_000, problems);
  return { perSecond: perSecond ?? 1, burst: burst ?? 1 };
}

function readQuotas(map: YamlMap, problems: ProblemList): Partial<Quotas> | undefined {
  const node = field(map, 'quotas');
  if (node === undefined) return undefined;
  const names = Object.keys(QUOTAS);
  const quotas = readMap(node, 'quotas', problems, { required: [], optional: names });
  const values = names.map((name) => [
    name,
    quotas === undefined ? undefined : readNumber(quotas, name, 0, MOST_OF_ANYTHING, problems),
  ]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

const MOST_OF_ANYTHING = 1_000_000_000;

function readInstanceTypes(map: YamlMap, problems: ProblemList): Readonly<Record<string, InstanceSize>> {
  const node = field(map, 'instanceTypes');
  const types = node === undefined ? undefined : readMap(node, 'instanceTypes', problems);
  const sizes = (types?.entries ?? []).map(({ key, value }) => {
    const keys = { required: ['vcpus', 'memoryMiB'], optional: [] };
    const size = readMap(value, `the instance type '${key}'`, problems, keys);
    const vcpus = size === undefined ? undefined : readNumber(size, 'vcpus', 1, 1024, problems);
    const memoryMiB = size === undefined ? undefined : readNumber(size, 'memoryMiB', 128, 64 * 1024 * 1024, problems);
    return [key, { vcpus: vcpus ?? 1, memoryMiB: memoryMiB ?? 1024 }] as const;
  });
  return Object.fromEntries(sizes);
}
