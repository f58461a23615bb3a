import type { ActionName } from '../../documents/action-modules/index.ts';
import type { Action } from './action.ts';
import { assertAction } from './assert.ts';
import { copyFile, copyFolder, moveFile, moveFolder } from './copy-file.ts';
import { appendFile, createFile } from './create-file.ts';
import { createFolder } from './create-folder.ts';
import { createSymlink } from './create-symlink.ts';
import { deleteFile } from './delete-file.ts';
import { deleteFolder } from './delete-folder.ts';
import { executeBash, executeBinary } from './execute.ts';
import { listFiles } from './list-files.ts';
import { readFile, setFileEncoding } from './read-file.ts';
import { reboot } from './reboot.ts';
import { setFileOwner, setFilePermissions, setFolderOwner, setFolderPermissions } from './set-file-attributes.ts';
import { updateOs } from './update-os.ts';
import { webDownload } from './web-download.ts';

/** The action modules that Kiln runs, by name: exactly those that the module tables call supported. */
export const ACTIONS: Readonly<Partial<Record<ActionName, Action>>> = {
  AppendFile: appendFile,
  Assert: assertAction,
  CopyFile: copyFile,
  CopyFolder: copyFolder,
  CreateFile: createFile,
  CreateFolder: createFolder,
  CreateSymlink: createSymlink,
  DeleteFile: deleteFile,
  DeleteFolder: deleteFolder,
  ExecuteBash: executeBash,
  ExecuteBinary: executeBinary,
  ListFiles: listFiles,
  MoveFile: moveFile,
  MoveFolder: moveFolder,
  ReadFile: readFile,
  Reboot: reboot,
  SetFileEncoding: setFileEncoding,
  SetFileOwner: setFileOwner,
  SetFilePermissions: setFilePermissions,
  SetFolderOwner: setFolderOwner,
  SetFolderPermissions: setFolderPermissions,
  UpdateOS: updateOs,
  WebDownload: webDownload,
};

export function findAction(name: string): Action | undefined {
  return Object.hasOwn(ACTIONS, name) ? ACTIONS[name as ActionName] : undefined;
}
