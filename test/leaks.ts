/**
 * Finds what a test run left behind: processes, mounts, loop devices, and files outside its own folder or still in it.
 * Processes are known by a marker in their environment, which children inherit, so that other work on the machine is
 * never blamed.
 */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface Traces {
  /** Mount points. */
  readonly mounts: readonly string[];
  /** `loop0 /path/of/file` */
  readonly loopDevices: readonly string[];
  /** Entries of the watched folders, and what git sees as changed. */
  readonly files: readonly string[];
}

export interface WatchedPlaces {
  /** The checkout: changes that git sees count. */
  readonly checkout: string;
  /** Folders whose direct entries count, e.g. `/tmp`. */
  readonly folders: readonly string[];
  /** Which names in those folders can be ours. */
  readonly ours: RegExp;
}

export const MARKER = 'KILN_TEST_RUN';

export function takeTraces(places: WatchedPlaces): Traces {
  return { mounts: mounts(), loopDevices: loopDevices(), files: files(places) };
}

/** What is there now and was not there before, as sentences. */
export function newTraces(before: Traces, now: Traces): readonly string[] {
  const added = (a: readonly string[], b: readonly string[]): readonly string[] =>
    b.filter((entry) => !a.includes(entry));
  return [
    ...added(before.mounts, now.mounts).map((mount) => `mount left behind: ${mount}`),
    ...added(before.loopDevices, now.loopDevices).map((device) => `loop device left behind: ${device}`),
    ...added(before.files, now.files).map((file) => `file left behind: ${file}`),
  ];
}

/**
 * Processes other than this one that carry `MARKER=value` in their environment, or `value` and a part of a test's own,
 * after a hyphen.
 */
export function markedProcesses(value: string): readonly { readonly pid: number; readonly command: string }[] {
  const wanted = `${MARKER}=${value}`;
  const found: { pid: number; command: string }[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (!environment.some((entry) => entry === wanted || entry.startsWith(`${wanted}-`))) continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
      // A zombie has no command line; its parent, not the tests, has to collect it.
      if (command !== '') found.push({ pid, command: command.slice(0, 160) });
    } catch {
      // The process ended while we looked.
    }
  }
  return found;
}

function mounts(): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((path) => path !== undefined);
}

function loopDevices(): readonly string[] {
  const attached: string[] = [];
  for (const device of readdirSync('/sys/block').filter((name) => name.startsWith('loop'))) {
    try {
      attached.push(`${device} ${readFileSync(`/sys/block/${device}/loop/backing_file`, 'utf8').trim()}`);
    } catch {
      // Not attached to a file.
    }
  }
  return attached;
}

function files(places: WatchedPlaces): readonly string[] {
  const entries = places.folders.flatMap((folder) => {
    try {
      return readdirSync(folder)
        .filter((name) => places.ours.test(name))
        .map((name) => join(folder, name));
    } catch {
      return [];
    }
  });
  const status = execFileSync('git', ['status', '--porcelain', '--ignored'], {
    cwd: places.checkout,
    encoding: 'utf8',
  });
  return [...entries, ...status.split('\n').filter((line) => line !== '')];
}

/** Everything below a folder that still exists, sockets and links included. */
export function entriesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const path = join(folder, name);
    try {
      return `${path} -> ${readlinkSync(path)}`;
    } catch {
      return path;
    }
  });
}
