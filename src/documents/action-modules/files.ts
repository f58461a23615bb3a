import { type ActionModule, EVERYWHERE, type ModuleInput, UNIX } from './module.ts';
import { overwrite } from './overwrite.ts';

/** Spellings of encodings that documents use; compared without regard to case. */
export const ENCODINGS = {
  utf8: 'utf8',
  'utf-8': 'utf8',
  utf16: 'utf16le',
  'utf-16': 'utf16le',
  'utf16-le': 'utf16le',
  'utf-16-le': 'utf16le',
  'utf16-be': 'utf16be',
  'utf-16-be': 'utf16be',
  utf32: 'utf32le',
  'utf-32': 'utf32le',
  'utf32-le': 'utf32le',
  'utf-32-le': 'utf32le',
  'utf32-be': 'utf32be',
  'utf-32-be': 'utf32be',
} as const;

export type Encoding = (typeof ENCODINGS)[keyof typeof ENCODINGS];

const path = { type: 'path', required: true, summary: 'The file.' } as const satisfies ModuleInput;
const folder = { type: 'path', required: true, summary: 'The folder.' } as const satisfies ModuleInput;
const source = {
  type: 'path',
  required: true,
  summary: 'What to take; `*` is allowed after the last separator.',
} as const satisfies ModuleInput;
const destination = {
  type: 'path',
  required: true,
  summary: 'The new name, or the folder to put it in when it ends with a separator.',
} as const satisfies ModuleInput;
const encoding = {
  type: 'text',
  default: 'utf8',
  words: Object.keys(ENCODINGS),
  anyCase: true,
  summary: 'UTF-8, UTF-16 or UTF-32; without byte order, little-endian is meant.',
} as const satisfies ModuleInput;
const owner = { type: 'text', summary: 'User name or id; default the current user.' } as const satisfies ModuleInput;
const group = {
  type: 'text',
  summary: 'Group name or id; default the group of the current user.',
} as const satisfies ModuleInput;
const primaryGroup = {
  type: 'text',
  summary: "Group name; default the user's primary group.",
} as const satisfies ModuleInput;
const recursive = {
  type: 'boolean',
  default: true,
  summary: 'Whether everything below is changed as well.',
} as const satisfies ModuleInput;

/** Modules that change files and folders. */
export const fileModules = {
  AppendFile: {
    name: 'AppendFile',
    summary: 'Appends text to a file that exists.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: { path, content: { type: 'text', default: '', summary: 'The text; no line end is added.' }, encoding },
    outputs: {},
  },
  CopyFile: {
    name: 'CopyFile',
    summary: 'Copies files; folders of the destination are made.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: { source, destination, overwrite },
    outputs: {},
  },
  CopyFolder: {
    name: 'CopyFolder',
    summary: 'Copies folders with all they hold.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: { source, destination, overwrite },
    outputs: {},
  },
  CreateFile: {
    name: 'CreateFile',
    summary: 'Writes a file, with its folders.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: {
      path,
      content: { type: 'text', default: '', summary: 'The text of the file.' },
      encoding,
      owner,
      group,
      permissions: { type: 'permissions', summary: 'Octal mode, less the umask; default 0666.' },
      overwrite,
    },
    outputs: {},
  },
  CreateFolder: {
    name: 'CreateFolder',
    summary: 'Makes a folder, with those above it; never deletes what is in it.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: {
      path: folder,
      owner,
      group,
      permissions: { type: 'permissions', summary: 'Octal mode, less the umask; default 0777.' },
      overwrite,
    },
    outputs: {},
  },
  CreateSymlink: {
    name: 'CreateSymlink',
    summary: 'Makes a symbolic link to something that exists.',
    platforms: UNIX,
    shape: 'list',
    inputs: {
      path: { type: 'path', required: true, summary: 'The link.' },
      target: { type: 'path', required: true, summary: 'What it points to.' },
      force: { type: 'boolean', default: false, summary: 'Replaces a link that exists.' },
    },
    outputs: {},
  },
  DeleteFile: {
    name: 'DeleteFile',
    summary: 'Deletes files.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: { path: { type: 'path', required: true, summary: 'The file; `*` is allowed in its name.' } },
    outputs: {},
  },
  DeleteFolder: {
    name: 'DeleteFolder',
    summary: 'Deletes a folder.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: { path: folder, force: { type: 'boolean', default: false, summary: 'Also when it is not empty.' } },
    outputs: {},
  },
  ListFiles: {
    name: 'ListFiles',
    summary: 'Lists the files of a folder.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: {
      path: folder,
      fileNamePattern: { type: 'text', default: '*', summary: 'Names to list; `*` stands for anything.' },
      recursive: { type: 'boolean', default: false, summary: 'Whether folders below are listed as well.' },
    },
    outputs: { files: 'Full paths, separated by commas.' },
  },
  MoveFile: {
    name: 'MoveFile',
    summary: 'Moves files; folders of the destination are made.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: { source, destination, overwrite },
    outputs: {},
  },
  MoveFolder: {
    name: 'MoveFolder',
    summary: 'Moves folders with all they hold.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: { source, destination, overwrite },
    outputs: {},
  },
  ReadFile: {
    name: 'ReadFile',
    summary: 'Reads a text file into an output.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: {
      path,
      encoding,
      printFileContent: { type: 'boolean', default: false, summary: 'Whether the log shows the content.' },
    },
    outputs: { content: 'The text of the file.' },
  },
  SetFileEncoding: {
    name: 'SetFileEncoding',
    summary: 'Writes a UTF-8 file anew in another encoding.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: { path, encoding },
    outputs: {},
  },
  SetFileOwner: {
    name: 'SetFileOwner',
    summary: 'Changes the owner of a file, through a link.',
    platforms: UNIX,
    shape: 'list',
    inputs: { path, owner: { type: 'text', required: true, summary: 'User name.' }, group: primaryGroup },
    outputs: {},
  },
  SetFilePermissions: {
    name: 'SetFilePermissions',
    summary: 'Changes the mode of a file.',
    platforms: UNIX,
    shape: 'list',
    inputs: { path, permissions: { type: 'permissions', required: true, summary: 'Octal mode, exactly.' } },
    outputs: {},
  },
  SetFolderOwner: {
    name: 'SetFolderOwner',
    summary: 'Changes the owner of a folder and of what is below.',
    platforms: UNIX,
    shape: 'list',
    inputs: {
      path: folder,
      owner: { type: 'text', required: true, summary: 'User name.' },
      group: primaryGroup,
      recursive,
    },
    outputs: {},
  },
  SetFolderPermissions: {
    name: 'SetFolderPermissions',
    summary: 'Changes the mode of a folder and of what is below.',
    platforms: UNIX,
    shape: 'list',
    inputs: {
      path: folder,
      permissions: { type: 'permissions', required: true, summary: 'Octal mode, exactly.' },
      recursive,
    },
    outputs: {},
  },
} as const satisfies Record<string, ActionModule>;
