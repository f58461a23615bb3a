import { type CommandArguments, UsageError } from '../command.ts';
import { type ReadObject, type RunConfigFile, readRunConfig } from './run-config-file.ts';

/** What a run was asked for: flags first, then the configuration file, then defaults. */
export interface RunSettings {
  readonly documents: readonly DocumentRequest[];
  readonly documentsBucketOwner: string | undefined;
  /** For every document. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly phases: readonly string[] | undefined;
  readonly executionId: string | undefined;
  readonly logDirectory: string | undefined;
  readonly logBucket: LogBucket | undefined;
  readonly stateDirectory: string | undefined;
  readonly trace: boolean;
  readonly blockedModules: readonly string[];
  readonly cloudWatch: CloudWatchLog | undefined;
}

/** Where `console.log` is sent to while the run goes on. */
export interface CloudWatchLog {
  readonly group: string;
  /** Default: the execution id. */
  readonly stream: string | undefined;
  readonly region: string | undefined;
  readonly ignoreFailures: boolean;
}

export interface DocumentRequest {
  /** As given: a path, an S3 URI or a component build version ARN. */
  readonly id: string;
  /** For this document only; they win over those for all. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface LogBucket {
  readonly name: string;
  readonly owner: string | undefined;
  readonly prefix: string;
}

/** @throws UsageError; InvalidDocumentError for a configuration file that is wrong. */
export async function readSettings(args: CommandArguments, readObject: ReadObject): Promise<RunSettings> {
  const configFile = args.text('config');
  const given = args.texts('documents').flatMap(splitList);
  if (configFile === undefined && given.length === 0) {
    throw new UsageError('--documents is missing: name at least one component document, or give --config');
  }
  for (const flag of ['documents', 'parameters']) {
    if (configFile !== undefined && args.texts(flag).length > 0) {
      throw new UsageError(`--config and --${flag} exclude each other: write the ${flag} into the configuration file`);
    }
  }
  const file: RunConfigFile = configFile === undefined ? {} : await readRunConfig(configFile, readObject);
  const text = (flag: string, key: keyof RunConfigFile): string | undefined => {
    const value = args.text(flag) ?? file[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const bucket = text('log-s3-bucket-name', 'logS3BucketName');
  const phases = text('phases', 'phases');
  return {
    documents: file.documents ?? given.map((id) => ({ id, parameters: {} })),
    documentsBucketOwner: text('document-s3-bucket-owner', 'documentS3BucketOwner'),
    parameters: file.parameters ?? readParameters(args),
    phases: phases === undefined ? undefined : splitList(phases),
    executionId: text('execution-id', 'executionId'),
    logDirectory: text('log-directory', 'logDirectory'),
    logBucket:
      bucket === undefined
        ? undefined
        : {
            name: bucket,
            owner: text('log-s3-bucket-owner', 'logS3BucketOwner'),
            prefix: text('log-s3-key-prefix', 'logS3KeyPrefix') ?? '',
          },
    stateDirectory: text('state-directory', 'stateDirectory'),
    trace: args.flag('trace') || file.trace === true,
    blockedModules: splitList(text('blocked-action-modules', 'blockedActionModules') ?? ''),
    cloudWatch: readCloudWatch(text, args.flag('cw-ignore-failures') || file.cwIgnoreFailures === true),
  };
}

export function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function readParameters(args: CommandArguments): Readonly<Record<string, string>> {
  const pairs = args
    .texts('parameters')
    .flatMap(splitList)
    .map((pair): [string, string] => {
      const cut = pair.indexOf('=');
      if (cut < 1 || cut === pair.length - 1)
        throw new UsageError(`--parameters has '${pair}', where NAME=VALUE is expected`);
      return [pair.slice(0, cut), pair.slice(cut + 1)];
    });
  return Object.fromEntries(pairs);
}

function readCloudWatch(
  text: (flag: string, key: keyof RunConfigFile) => string | undefined,
  ignoreFailures: boolean,
): CloudWatchLog | undefined {
  const group = text('cw-log-group', 'cwLogGroup');
  const stream = text('cw-log-stream', 'cwLogStream');
  const region = text('cw-log-region', 'cwLogRegion');
  if (group !== undefined) return { group, stream, region, ignoreFailures };
  const alone = stream !== undefined ? '--cw-log-stream' : region !== undefined ? '--cw-log-region' : undefined;
  if (alone !== undefined) throw new UsageError(`${alone} needs --cw-log-group, which names where to`);
  return undefined;
}
