import type { ActionName } from '../../documents/action-modules/index.ts';
import type { TargetOs } from '../target.ts';
import type { Action } from './action.ts';
import { assertAction } from './assert.ts';
import { copyFile, copyFolder, moveFile, moveFolder } from './copy-file.ts';
import { appendFile, createFile } from './create-file.ts';
import { createFolder } from './create-folder.ts';
import { createSymlink } from './create-symlink.ts';
import { deleteFile } from './delete-file.ts';
import { deleteFolder } from './delete-folder.ts';
import { executeBash, executeBinary } from './execute.ts';
import { executeDocument } from './execute-document.ts';
import { executePowerShell } from './execute-powershell.ts';
import { listFiles } from './list-files.ts';
import { installMsi, uninstallMsi } from './msi.ts';
import { readFile, setFileEncoding } from './read-file.ts';
import { reboot } from './reboot.ts';
import { s3Download, s3Upload } from './s3-transfer.ts';
import { setFileOwner, setFilePermissions, setFolderOwner, setFolderPermissions } from './set-file-attributes.ts';
import { setRegistry } from './set-registry.ts';
import { updateOs } from './update-os.ts';
import { webDownload } from './web-download.ts';
import { WINDOWS_ACTIONS } from './windows/index.ts';

/** All action modules by name. */
export const ACTIONS: Readonly<Record<ActionName, Action>> = {
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
  ExecuteDocument: executeDocument,
  ExecutePowerShell: executePowerShell,
  InstallMSI: installMsi,
  ListFiles: listFiles,
  MoveFile: moveFile,
  MoveFolder: moveFolder,
  ReadFile: readFile,
  Reboot: reboot,
  S3Download: s3Download,
  S3Upload: s3Upload,
  SetFileEncoding: setFileEncoding,
  SetFileOwner: setFileOwner,
  SetFilePermissions: setFilePermissions,
  SetFolderOwner: setFolderOwner,
  SetFolderPermissions: setFolderPermissions,
  SetRegistry: setRegistry,
  UninstallMSI: uninstallMsi,
  UpdateOS: updateOs,
  WebDownload: webDownload,
};

/** The action of a module on a system; undefined for a module that does not exist there. */
export function findAction(name: string, os: TargetOs): Action | undefined {
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name as ActionName] : undefined;
  if (action === undefined || !action.module.platforms.includes(os)) return undefined;
  return os === 'windows' ? (WINDOWS_ACTIONS[name as ActionName] ?? action) : action;
}
