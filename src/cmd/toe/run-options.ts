import type { CommandOption } from '../command.ts';

export const DOCUMENT_OPTIONS = {
  documents: {
    type: 'string',
    short: 'd',
    multiple: true,
    value: 'F[,F]',
    help: 'component documents: files, s3:// URIs, component build version ARNs',
  },
  'document-s3-bucket-owner': {
    type: 'string',
    value: 'ACCOUNT',
    help: 'account that must own the bucket of documents',
  },
} as const satisfies Record<string, CommandOption>;

export const OUTPUT_OPTION = {
  output: { type: 'string', value: 'human|json', help: 'how progress and problems are written (default human)' },
} as const satisfies Record<string, CommandOption>;

/** The flags of `awstoe run`, and Kiln's own. */
export const RUN_OPTIONS: Readonly<Record<string, CommandOption>> = {
  ...DOCUMENT_OPTIONS,
  config: {
    type: 'string',
    short: 'c',
    value: 'FILE',
    help: 'a JSON file or s3:// URI with documents and settings; flags win over it',
  },
  phases: { type: 'string', short: 'p', value: 'P[,P]', help: 'phases to run (default all)' },
  parameters: { type: 'string', multiple: true, value: 'N=V[,N=V]', help: 'values for parameters of the documents' },
  'execution-id': { type: 'string', short: 'i', value: 'ID', help: 'id of this run (default a random one)' },
  'log-directory': {
    type: 'string',
    short: 'l',
    value: 'FOLDER',
    help: 'where the folder TOE_… with the logs is made (default .)',
  },
  'log-s3-bucket-name': { type: 'string', short: 'b', value: 'BUCKET', help: 'uploads the log folder there' },
  'log-s3-bucket-owner': { type: 'string', value: 'ACCOUNT', help: 'account that must own that bucket' },
  'log-s3-key-prefix': { type: 'string', short: 'k', value: 'PREFIX', help: 'what the keys begin with' },
  'cw-log-group': { type: 'string', value: 'GROUP', help: 'sends console.log to CloudWatch Logs, to this group' },
  'cw-log-stream': { type: 'string', value: 'STREAM', help: 'the stream there (default the execution id)' },
  'cw-log-region': { type: 'string', value: 'REGION', help: 'Region of the group (default AWS_REGION)' },
  'cw-ignore-failures': { type: 'boolean', help: 'goes on with a warning where CloudWatch Logs fails' },
  'state-directory': {
    type: 'string',
    short: 's',
    value: 'FOLDER',
    help: 'where a run is saved that needs a reboot (default below KILN_HOME)',
  },
  fresh: { type: 'boolean', help: 'begin anew although a saved run is there' },
  trace: { type: 'boolean', short: 't', help: 'writes the application log to standard error as well' },
  'blocked-action-modules': { type: 'string', value: 'M[,M]', help: 'refuses documents that use these action modules' },
  sandbox: { type: 'boolean', help: 'runs in a throwaway root folder: nothing on this machine changes' },
  base: {
    type: 'string',
    value: 'NAME',
    help: 'base image of the sandbox, or host for this machine (default debian-server-12-x86)',
  },
  version: { type: 'boolean', short: 'v', help: 'print the version' },
};
