import type { ActionName } from '../../../documents/action-modules/index.ts';
import type { Action } from '../action.ts';
import {
  appendFile,
  copyFile,
  copyFolder,
  createFile,
  createFolder,
  deleteFile,
  deleteFolder,
  listFiles,
  moveFile,
  moveFolder,
  readFile,
  setFileEncoding,
} from './file-actions.ts';
import { updateOs } from './update-os.ts';

/** Modules whose work is another on Windows; all others are the same, or ask the target themselves. */
export const WINDOWS_ACTIONS: Readonly<Partial<Record<ActionName, Action>>> = {
  AppendFile: appendFile,
  CopyFile: copyFile,
  CopyFolder: copyFolder,
  CreateFile: createFile,
  CreateFolder: createFolder,
  DeleteFile: deleteFile,
  DeleteFolder: deleteFolder,
  ListFiles: listFiles,
  MoveFile: moveFile,
  MoveFolder: moveFolder,
  ReadFile: readFile,
  SetFileEncoding: setFileEncoding,
  UpdateOS: updateOs,
};
