import { ACTION_MODULES } from '../../../documents/action-modules/index.ts';
import { StepFailedError } from '../../step-failed.ts';
import { type ActionContext, listAction } from '../action.ts';
import { decodeText, encodeText, encodingNamed } from '../encoding.ts';
import { MAX_ENCODED_BYTES, MAX_OUTPUT_BYTES } from '../read-file.ts';
import { askPowerShell, mustRunPowerShell } from '../run-powershell.ts';
import {
  APPEND_FILE,
  CREATE_FILE,
  CREATE_FOLDER,
  DELETE_FILE,
  DELETE_FOLDER,
  LIST_FILES,
  READ_FILE,
  TRANSFER,
} from './file-scripts.ts';

const NOTHING: Readonly<Record<string, string>> = {};
const SEPARATOR_AT_END = /[\\/]+$/;

export const createFile = listAction(ACTION_MODULES.CreateFile, async (inputs, context) => {
  const content = encodeText(inputs.content, encodingNamed(inputs.encoding)).toString('base64');
  const path = context.workspace.absolute(inputs.path);
  await mustRunPowerShell(context, CREATE_FILE, { path, content, overwrite: inputs.overwrite });
  return NOTHING;
});

export const appendFile = listAction(ACTION_MODULES.AppendFile, async (inputs, context) => {
  const content = encodeText(inputs.content, encodingNamed(inputs.encoding)).toString('base64');
  await mustRunPowerShell(context, APPEND_FILE, { path: context.workspace.absolute(inputs.path), content });
  return NOTHING;
});

export const readFile = listAction(ACTION_MODULES.ReadFile, async (inputs, context) => {
  const content = await readText(inputs.path, inputs.encoding, MAX_OUTPUT_BYTES, context);
  if (inputs.printFileContent) context.output.show(content);
  return { content };
});

export const setFileEncoding = listAction(ACTION_MODULES.SetFileEncoding, async (inputs, context) => {
  const text = await readText(inputs.path, 'utf8', MAX_ENCODED_BYTES, context);
  const content = encodeText(text, encodingNamed(inputs.encoding)).toString('base64');
  const path = context.workspace.absolute(inputs.path);
  await mustRunPowerShell(context, CREATE_FILE, { path, content, overwrite: true });
  return NOTHING;
});

async function readText(path: string, encoding: string, limit: number, context: ActionContext): Promise<string> {
  const absolute = context.workspace.absolute(path);
  // Base64 has four characters for three bytes.
  const { stdout } = await mustRunPowerShell(context, READ_FILE, { path: absolute, limit }, limit * 2);
  const content = decodeText(Buffer.from(stdout, 'base64'), encodingNamed(encoding));
  if (content === undefined) throw new StepFailedError(`${absolute} is not ${encoding} text`);
  return content;
}

export const createFolder = listAction(ACTION_MODULES.CreateFolder, async ({ path, overwrite }, context) => {
  await mustRunPowerShell(context, CREATE_FOLDER, { path: context.workspace.absolute(path), overwrite });
  return NOTHING;
});

export const deleteFile = listAction(ACTION_MODULES.DeleteFile, async (inputs, context) => {
  const path = context.workspace.absolute(inputs.path);
  await mustRunPowerShell(context, DELETE_FILE, { path, ...splitWindowsWildcard(path) });
  return NOTHING;
});

export const deleteFolder = listAction(ACTION_MODULES.DeleteFolder, async ({ path, force }, context) => {
  const folder = withoutSeparator(context.workspace.absolute(path));
  await mustRunPowerShell(context, DELETE_FOLDER, { path: folder, force });
  return NOTHING;
});

export const listFiles = listAction(
  ACTION_MODULES.ListFiles,
  async ({ path, fileNamePattern, recursive }, context) => {
    const folder = withoutSeparator(context.workspace.absolute(path));
    const said = await askPowerShell(context, LIST_FILES, { path: folder, pattern: fileNamePattern, recursive });
    const files = said.split('\0').filter((file) => file !== '');
    return { files: files.toSorted().join(',') };
  },
  ',',
);

interface Transfer {
  readonly source: string;
  readonly destination: string;
  readonly overwrite: boolean;
}

async function transfer(
  kind: 'file' | 'folder',
  verb: 'copy' | 'move',
  inputs: Transfer,
  context: ActionContext,
): Promise<typeof NOTHING> {
  const source = withoutSeparator(context.workspace.absolute(inputs.source));
  const given = context.workspace.absolute(inputs.destination);
  const wildcard = splitWindowsWildcard(source);
  const intoFolder = SEPARATOR_AT_END.test(given);
  if (wildcard.pattern !== '' && !intoFolder) {
    throw new StepFailedError(`the destination ${inputs.destination} must end with \\ when the source has a '*'`);
  }
  const name = source.slice(lastSeparator(source) + 1);
  const destination = wildcard.pattern === '' && intoFolder ? given + name : given;
  const values = { kind, verb, source, destination, overwrite: inputs.overwrite, ...wildcard };
  await mustRunPowerShell(context, TRANSFER, values);
  return NOTHING;
}

export const copyFile = listAction(ACTION_MODULES.CopyFile, (inputs, context) =>
  transfer('file', 'copy', inputs, context),
);

export const moveFile = listAction(ACTION_MODULES.MoveFile, (inputs, context) =>
  transfer('file', 'move', inputs, context),
);

export const copyFolder = listAction(ACTION_MODULES.CopyFolder, (inputs, context) =>
  transfer('folder', 'copy', inputs, context),
);

export const moveFolder = listAction(ACTION_MODULES.MoveFolder, (inputs, context) =>
  transfer('folder', 'move', inputs, context),
);

/** Folder and pattern of a path with `*`; both empty for a path without. */
export function splitWindowsWildcard(absolutePath: string): { readonly folder: string; readonly pattern: string } {
  if (!absolutePath.includes('*')) return { folder: '', pattern: '' };
  const cut = lastSeparator(absolutePath);
  const folder = absolutePath.slice(0, cut + 1);
  if (folder.includes('*'))
    throw new StepFailedError(`'*' is only allowed after the last separator of ${absolutePath}`);
  return { folder, pattern: absolutePath.slice(cut + 1) };
}

function lastSeparator(path: string): number {
  return Math.max(path.lastIndexOf('\\'), path.lastIndexOf('/'));
}

/** The root of a drive keeps its separator. */
function withoutSeparator(path: string): string {
  return /^[A-Za-z]:[\\/]+$/.test(path) ? path : path.replace(SEPARATOR_AT_END, '');
}
