/** What is on the root file system of a disk, as comparable lines. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directHost } from '../src/build-host/direct/direct-host.ts';
import { capture } from '../src/toe/capture.ts';

export interface DiskContents {
  /** Path to type, mode, owner, size and content of files, aim of links. */
  readonly tree: ReadonlyMap<string, string>;
  /** `path name=value`, capabilities included. */
  readonly attributes: readonly string[];
  /** `name version state` */
  readonly packages: readonly string[];
  readonly enabledUnits: readonly string[];
}

const MOST_BYTES = 64 * 1024 * 1024;

/** Paths with a line end in them would need quoting; Debian has none. */
const TREE = String.raw`
cd / && find . -xdev \( -type d -o -type f \) -printf '%p\t%y %m %U:%G\n' -o -printf '%p\t%y %m %U:%G %l\n'
`;
const DIGESTS = 'cd / && find . -xdev -type f -exec md5sum {} +';
const ATTRIBUTES = `
cd / && tar --one-file-system --numeric-owner --xattrs --xattrs-include='*' -cf - . 2>/dev/null |
  tar --xattrs --xattrs-include='*' -tvvf - | awk '/^  [x*]:/ { print path, $0; next } { path = $6 }'
getcap -r / 2>/dev/null || true
`;
const PACKAGES = "dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Abbrev}\\n'";
const UNITS = 'systemctl list-unit-files --no-legend --no-pager';

/** Looks at a throwaway overlay of a disk. */
export async function readDisk(path: string): Promise<DiskContents> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-contents-'));
  const host = directHost({ instancesFolder: folder, capacity: { cpus: 1, memoryMiB: 4096 } });
  const signal = new AbortController().signal;
  try {
    const instance = await host.launch(
      {
        instanceId: `i-${'c'.repeat(17)}`,
        parentDisk: { path, format: 'qcow2' },
        instanceTypes: [],
        extraVolumes: [],
        owner: 'test',
        timeoutSeconds: 60,
      },
      { signal, monitor: { line: () => {} } },
    );
    const lines = async (script: string): Promise<readonly string[]> => {
      const { code, stdout, stderr } = await capture(
        instance.target,
        { argv: ['sh', '-c', script], signal },
        MOST_BYTES,
      );
      if (code !== 0) throw new Error(`${script}: ${stderr}`);
      return stdout.split('\n').filter((line) => line !== '');
    };
    const tree = new Map(
      (await lines(TREE)).map((line) => [line.slice(1, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]),
    );
    for (const line of await lines(DIGESTS)) {
      const path = line.slice(line.indexOf('  .') + 3);
      tree.set(path, `${tree.get(path)} ${line.slice(0, 32)}`);
    }
    return {
      tree,
      attributes: await lines(ATTRIBUTES),
      packages: await lines(PACKAGES),
      enabledUnits: await lines(UNITS),
    };
  } finally {
    await host[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
}
