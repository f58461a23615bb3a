import type { Readable } from 'node:stream';
import type { ActionContext } from './action.ts';
import type { FoundFile } from './found-files.ts';
import { posixFiles } from './posix-files.ts';
import { windowsFiles } from './windows/windows-files.ts';

/** Files of the machine, as far as transfers to and from S3 need them. Paths are absolute. */
export interface MachineFiles {
  exists(path: string, context: ActionContext): Promise<boolean>;
  /** Writes a stream of so many bytes to `path` by way of `part`, whole or not at all. Makes the folders above. */
  receive(path: string, part: string, size: number, body: Readable, context: ActionContext): Promise<void>;
  /** The file, the files that match, or all files below a folder. */
  find(search: FileSearch, context: ActionContext): Promise<readonly FoundFile[]>;
  /** Bytes of a file; `offset` is a multiple of a MiB. */
  read(path: string, offset: number, length: number, context: ActionContext): Promise<Buffer>;
  /** Cuts a path with `*` into its folder, without a separator at its end, and the pattern. */
  split(path: string): { readonly folder: string; readonly pattern: string } | undefined;
}

export interface FileSearch {
  readonly source: string;
  /** Both empty for a source without `*`. */
  readonly folder: string;
  readonly pattern: string;
  /** Whether folders are gone through. */
  readonly recurse: boolean;
}

export function machineFiles({ target }: ActionContext): MachineFiles {
  return target.os === 'windows' ? windowsFiles : posixFiles;
}
