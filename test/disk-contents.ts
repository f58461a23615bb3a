/** What is on the root file system of a disk, as comparable lines. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directHost } from '../src/build-host/direct/direct-host.ts';
import { capture } from '../src/toe/capture.ts';
import type { KilnHome } from './kiln-home.ts';

export interface DiskContents {
  /** Path to type, mode, owner, number of links, size and digest of files, aim of links. */
  readonly tree: ReadonlyMap<string, string>;
  /** `path name=value` of every extended attribute, capabilities included. */
  readonly attributes: readonly string[];
  /** `name version state` */
  readonly packages: readonly string[];
  /** `unit state preset` */
  readonly enabledUnits: readonly string[];
  /** Content of the files that were asked for, undefined where there is none. */
  readonly files: Readonly<Record<string, string | undefined>>;
}

const MOST_BYTES = 64 * 1024 * 1024;

/** Paths with a line end in them would need quoting; Debian has none. */
const TREE = String.raw`
cd / && find . -xdev -type f -printf '%p\t%y %m %U:%G %n %s\n' -o -type l -printf '%p\t%y %m %U:%G %l\n' -o -printf '%p\t%y %m %U:%G\n'
`;
/** $1 is a time, in seconds: what was written before that is the same on all disks that are compared. */
const DIGESTS = 'cd / && find . -xdev -type f -newerct "@$1" -exec md5sum {} +';
/** tar shows names and lengths of attributes; perl, which is on every Debian, their values. */
const ATTRIBUTES = String.raw`
cd / && find . -xdev -print0 | perl -0 -ne '
  chomp; my $list = "\0" x 65536; my $n = syscall(195, $_, $list, 65536); next if $n <= 0;
  for my $name (sort split /\0/, substr $list, 0, $n) {
    my $value = "\0" x 65536; my $length = syscall(192, $_, $name, $value, 65536);
    printf "%s %s=%s\n", $_, $name, unpack "H*", substr $value, 0, $length;
  }'
`;
const PACKAGES = "dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Abbrev}\\n'";
const UNITS = 'systemctl list-unit-files --no-legend --no-pager';

/**
 * The disk of a machine image where the image store of a home keeps it: what is exported from it is compressed, or has gibibytes
 * of zeros to be hashed.
 *
 * @param said What says the id of the image, the first one that is in there.
 */
export function diskOf(home: KilnHome, said: string): string {
  const amiId = /\bami-[0-9a-f]{17}\b/.exec(said)?.[0];
  if (amiId === undefined) throw new Error(`It names no machine image: ${said}`);
  const images = join(home.path, 'images');
  const { digest } = JSON.parse(readFileSync(join(images, 'amis', `${amiId}.json`), 'utf8')) as { digest: string };
  return join(images, 'disks', `${digest}.qcow2`);
}

/**
 * Looks at a throwaway overlay of a disk.
 *
 * @param writtenSince Digests are of files written since then: to read every file of a disk takes most of the time. Default all.
 */
export async function readDisk(
  path: string,
  files: readonly string[] = [],
  writtenSince = new Date(0),
): Promise<DiskContents> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-contents-'));
  const host = directHost({ instancesFolder: folder, capacity: { cpus: 1, memoryMiB: 4096 } });
  const signal = new AbortController().signal;
  try {
    const instance = await host.launch(
      {
        instanceId: `i-${'c'.repeat(17)}`,
        parentDisk: { path, format: path.endsWith('.raw') ? 'raw' : 'qcow2' },
        instanceTypes: [],
        extraVolumes: [],
        owner: 'test',
        timeoutSeconds: 60,
      },
      { signal, monitor: { line: () => {} } },
    );
    const lines = async (script: string, ...args: readonly string[]): Promise<readonly string[]> => {
      const command = { argv: ['sh', '-c', script, 'sh', ...args] as const, signal };
      const { code, stdout, stderr } = await capture(instance.target, command, MOST_BYTES);
      if (code !== 0 || stderr !== '') throw new Error(`${script}: ${stderr}`);
      return stdout.split('\n').filter((line) => line !== '');
    };
    const read = async (file: string): Promise<[string, string | undefined]> => {
      const { code, stdout } = await capture(instance.target, { argv: ['cat', file], signal }, MOST_BYTES);
      return [file, code === 0 ? stdout : undefined];
    };
    const tree = new Map(
      (await lines(TREE)).map((line) => [line.slice(1, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]),
    );
    for (const line of await lines(DIGESTS, String(Math.floor(writtenSince.getTime() / 1000)))) {
      const file = line.slice(line.indexOf('  .') + 3);
      tree.set(file, `${tree.get(file)} ${line.slice(0, 32)}`);
    }
    return {
      tree,
      attributes: (await lines(ATTRIBUTES)).map((line) => line.slice(1)).toSorted(),
      packages: await lines(PACKAGES),
      enabledUnits: await lines(UNITS),
      files: Object.fromEntries(await Promise.all(files.map(read))),
    };
  } finally {
    await host[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
}
