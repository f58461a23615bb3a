import { BuilderFault } from '../../util/faults.ts';
import type { Format } from './detect-format.ts';
import type { Extent } from './disk-digest.ts';
import { type QemuImgOptions, qemuImg } from './qemu-img.ts';

/** What qemu-img says about a disk file. */
export interface DiskInfo {
  readonly format: string;
  /** Bytes a guest sees. */
  readonly virtualSize: number;
  /** Bytes the file takes on this file system. */
  readonly actualSize: number;
  /** As written in the file, maybe relative to it. */
  readonly backingFile?: string;
  readonly encrypted: boolean;
  /** Other files that the disk needs beside the one named: data files, extents. */
  readonly otherFiles: readonly string[];
}

/** Reads a disk's header. The backing file is not opened. */
export async function diskInfo(file: string, format: Format, options: Omit<QemuImgOptions, 'file'>): Promise<DiskInfo> {
  // -U: a disk that a running machine writes can still be looked at.
  const text = await qemuImg(['info', '-U', '--output=json', '-f', format, file], { ...options, file });
  const info = JSON.parse(text) as Record<string, unknown>;
  if (typeof info['virtual-size'] !== 'number') {
    throw new BuilderFault(`${options.action} failed: qemu-img does not say how large the disk is`, { where: file });
  }
  const backingFile = info['backing-filename'];
  return {
    format: String(info['format']),
    virtualSize: info['virtual-size'],
    actualSize: Number(info['actual-size'] ?? 0),
    ...(typeof backingFile === 'string' ? { backingFile } : {}),
    encrypted: info['encrypted'] === true,
    otherFiles: otherFiles(info['format-specific'], file),
  };
}

/** Of a disk of many small extents; each takes a line of a hundred bytes. */
const MOST_EXTENT_BYTES = 256 * 1024 * 1024;

/** What of a raw disk is data and what are holes, in order. */
export async function rawExtents(file: string, options: Omit<QemuImgOptions, 'file'>): Promise<readonly Extent[]> {
  const args = ['map', '-f', 'raw', '--output=json', file];
  return JSON.parse(await qemuImg(args, { ...options, file, keepBytes: MOST_EXTENT_BYTES })) as readonly Extent[];
}

function otherFiles(specific: unknown, file: string): readonly string[] {
  const data = field(specific, 'data');
  const extents = field(data, 'extents');
  const names = [
    field(data, 'data-file'),
    ...(Array.isArray(extents) ? extents.map((extent) => field(extent, 'filename')) : []),
  ];
  return names.filter((name) => typeof name === 'string').filter((name) => name !== file);
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
