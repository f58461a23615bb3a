import type { Io } from '../command.ts';
import { type CommandArguments, UsageError } from '../command.ts';
import { type RunConfigFile, readRunConfig } from './run-config-file.ts';

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
export async function readSettings(args: CommandArguments, io: Io): Promise<RunSettings> {
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
  const file: RunConfigFile = configFile === undefined ? {} : await readRunConfig(configFile);
  const text = (flag: string, key: keyof RunConfigFile): string | undefined => {
    const value = args.text(flag) ?? file[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  refuseCloudWatch(text, args.flag('cw-ignore-failures') || file.cwIgnoreFailures === true, io);
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

/** CloudWatch is not there; who said that its failures are to be ignored only hears of it. */
function refuseCloudWatch(
  text: (flag: string, key: keyof RunConfigFile) => string | undefined,
  ignoreFailures: boolean,
  io: Io,
): void {
  const asked =
    text('cw-log-group', 'cwLogGroup') ?? text('cw-log-stream', 'cwLogStream') ?? text('cw-log-region', 'cwLogRegion');
  if (asked === undefined) return;
  const message = 'Kiln does not send logs to CloudWatch (--cw-log-group, --cw-log-stream, --cw-log-region)';
  if (!ignoreFailures) throw new UsageError(`${message}; --log-directory and --log-s3-bucket-name keep them`);
  io.stderr.write(`kiln: ${message}; the run goes on without\n`);
}
