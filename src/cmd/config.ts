import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { RequestRate } from '../api/rate-limit.ts';
import type { MailServer } from '../notifications/mail.ts';
import type { Quotas } from '../resources/quota-table.ts';
import { BuilderFault } from '../util/faults.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { UsageError } from './command.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import { type KilnHome, kilnHome } from './kiln-home.ts';
import { ACCOUNT_ID, type InstanceSize, LOG_LEVELS, type LogLevel, REGION } from './settings.ts';

/** Everything that can be set, from flags, environment and `KILN_HOME/config.yaml`, in this order of precedence. */
export interface Config {
  readonly home: KilnHome;
  /** Where `kiln serve` listens. */
  readonly port: number;
  /** Undefined: as in the credentials, which were made at the first start. */
  readonly region: string | undefined;
  readonly accountId: string | undefined;
  /** A PostgreSQL server of one's own; undefined is the embedded one. */
  readonly databaseUrl: string | undefined;
  /** Most builds at a time; the room of the machine may set a lower limit. */
  readonly concurrency: number;
  readonly logLevel: LogLevel;
  /** What checkpoints of builds may take on the disk; 0 makes none. */
  readonly cacheSizeGiB: number;
  /** Of each principal but the owner of the home. */
  readonly requestRate: RequestRate;
  /** Those that are not AWS's defaults. */
  readonly quotas: Partial<Quotas>;
  /** vCPUs and memory by instance type, beside those that Kiln knows. */
  readonly instanceTypes: Readonly<Record<string, InstanceSize>>;
  /** How others reach the service: in messages of topics, where they find the certificate. Default: its own address. */
  readonly publicUrl: string | undefined;
  /** Sends messages of topics to addresses. */
  readonly mailServer: MailServer | undefined;
  /** Errors come with their stack trace. */
  readonly debug: boolean;
  readonly noColour: boolean;
  /** What `kiln toe run` gives to steps as `{{ env:NAME }}`, and what programs that Kiln starts inherit. */
  readonly environment: Readonly<Record<string, string>>;
}

const MOST_BUILDS = 64;

/** `KILN` on a telephone. */
export const DEFAULT_PORT = 5456;

/** Environment variables, for `kiln help` and for the reader below. */
export const ENVIRONMENT_VARIABLES = [
  { name: 'KILN_HOME', help: 'where everything is kept (default ~/.local/share/kiln)' },
  { name: 'KILN_PORT', help: `port of kiln serve (default ${DEFAULT_PORT})` },
  { name: 'KILN_REGION', help: 'AWS Region that Kiln says it is (default us-east-1)' },
  { name: 'KILN_ACCOUNT_ID', help: 'AWS account id that Kiln says it is (default: made at the first start)' },
  {
    name: 'KILN_CONCURRENCY',
    help: 'builds at a time (default: as many as vCPUs, memory and disk of this machine allow)',
  },
  { name: 'KILN_CACHE_SIZE_GIB', help: 'room for checkpoints of builds; 0 makes none (default 20)' },
  { name: 'KILN_LOG_LEVEL', help: `${LOG_LEVELS.join(', ')} (default info)` },
  { name: 'DATABASE_URL', help: 'a PostgreSQL server instead of the embedded one' },
  { name: 'KILN_DEBUG', help: 'when set, errors come with their stack trace' },
  { name: 'NO_COLOR', help: 'when set, nothing is coloured' },
] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigFlags {
  readonly home?: string | undefined;
  readonly port?: string | undefined;
}

/** The configuration of this process. The only place that reads its environment. */
export function loadConfig(flags: ConfigFlags): Config {
  return readConfig(process.env, flags);
}

/** How to say errors, the configuration's own included. */
export function loadErrorSettings(): Pick<Config, 'debug' | 'noColour'> {
  return { debug: Boolean(process.env['KILN_DEBUG']), noColour: Boolean(process.env['NO_COLOR']) };
}

/** @throws InvalidDocumentError for `config.yaml`, BuilderFault for a variable that is not right. */
export function readConfig(environment: Environment, flags: ConfigFlags): Config {
  const value = (name: (typeof ENVIRONMENT_VARIABLES)[number]['name']): string | undefined =>
    environment[name] === '' ? undefined : environment[name];
  const home = kilnHome(resolve(flags.home ?? value('KILN_HOME') ?? join(homedir(), '.local', 'share', 'kiln')));
  const file = loadFile(join(home.path, 'config.yaml'));
  return Object.freeze({
    home,
    port: givenPort(flags.port) ?? integer('KILN_PORT', value('KILN_PORT'), 0, 65_535) ?? file.port ?? DEFAULT_PORT,
    region: matching('KILN_REGION', value('KILN_REGION'), REGION) ?? file.region,
    accountId: matching('KILN_ACCOUNT_ID', value('KILN_ACCOUNT_ID'), ACCOUNT_ID) ?? file.accountId,
    databaseUrl: value('DATABASE_URL') ?? file.databaseUrl,
    concurrency:
      integer('KILN_CONCURRENCY', value('KILN_CONCURRENCY'), 1, MOST_BUILDS) ?? file.concurrency ?? MOST_BUILDS,
    cacheSizeGiB: integer('KILN_CACHE_SIZE_GIB', value('KILN_CACHE_SIZE_GIB'), 0, 1_000_000) ?? file.cacheSizeGiB ?? 20,
    logLevel: logLevel(value('KILN_LOG_LEVEL')) ?? file.logLevel ?? 'info',
    requestRate: file.requestRate ?? { perSecond: 100, burst: 200 },
    quotas: file.quotas ?? {},
    instanceTypes: file.instanceTypes,
    publicUrl: file.publicUrl,
    mailServer: file.mailServer,
    debug: value('KILN_DEBUG') !== undefined,
    noColour: value('NO_COLOR') !== undefined,
    environment: Object.fromEntries(
      Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  });
}

function loadFile(path: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { instanceTypes: {} };
    throw new BuilderFault(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    return readConfigFile(text, path);
  } catch (error) {
    if (error instanceof InvalidDocumentError) throw error;
    throw new BuilderFault(`${path} cannot be read.`, { cause: error });
  }
}

function givenPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new UsageError(`--port takes a whole number from 0 to 65535, not '${text}'`);
}

function integer(what: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw wrongSetting(`${what} must be a whole number from ${min} to ${max}, not '${text}'.`);
}

function matching(name: string, text: string | undefined, pattern: RegExp): string | undefined {
  if (text === undefined || pattern.test(text)) return text;
  throw wrongSetting(`${name} cannot be '${text}'.`);
}

function logLevel(text: string | undefined): LogLevel | undefined {
  if (text === undefined) return undefined;
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level === undefined) throw wrongSetting(`KILN_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}.`);
  return level;
}

/** A setting that cannot be: the operator has to configure it before anything can work. */
function wrongSetting(message: string): BuilderFault {
  return new BuilderFault(message.charAt(0).toUpperCase() + message.slice(1), { missingPrerequisite: true });
}
