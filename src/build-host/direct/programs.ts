import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';
import { type RunOptions, run } from '../../util/spawn.ts';
import { diskFull, isDiskFull } from '../qemu/programs.ts';

/** Programs of the host and the Debian package of each. */
const PACKAGES = {
  'qemu-storage-daemon': 'qemu-system-common',
  'qemu-img': 'qemu-utils',
  slirp4netns: 'slirp4netns',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  fstrim: 'util-linux',
  fsfreeze: 'util-linux',
  ip: 'iproute2',
  mount: 'mount',
  umount: 'mount',
  losetup: 'mount',
  sync: 'coreutils',
} as const;

export type HostProgram = keyof typeof PACKAGES;

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The programs that are missing here. */
export async function missingPrograms(): Promise<readonly HostProgram[]> {
  const names = Object.keys(PACKAGES) as HostProgram[];
  const found = await Promise.all(names.map((name) => findProgram(name)));
  return names.filter((_, index) => found[index] === undefined);
}

/** What to install, as an `apt-get` line. */
export function installHint(missing: readonly HostProgram[]): string {
  const packages = [...new Set(missing.map((name) => PACKAGES[name]))];
  return `On Debian and Ubuntu: apt-get install ${packages.join(' ')}`;
}

/** The absolute path of a program: the PATH of whoever started Kiln may lack the folders of the system's programs. */
export async function findProgram(name: HostProgram): Promise<string | undefined> {
  for (const folder of FOLDERS) {
    const path = `${folder}/${name}`;
    const there = access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (await there) return path;
  }
  return undefined;
}

export async function programPath(name: HostProgram): Promise<string> {
  const path = await findProgram(name);
  if (path !== undefined) return path;
  throw new BuilderFault(`The program ${name} is not installed.`, {
    missingPrerequisite: true,
    hint: installHint([name]),
  });
}

/** Runs a program to its end and gives its standard output; anything but exit code 0 is a BuilderFault. */
export async function runHost(
  name: HostProgram,
  args: readonly string[],
  options: Pick<RunOptions, 'cwd' | 'signal'> = {},
): Promise<string> {
  const result = await run(await programPath(name), args, {
    ...options,
    env: { PATH: FOLDERS.join(':'), LC_ALL: 'C' },
  });
  if (result.code === 0) return result.stdout.toString();
  const said = result.stderr.toString().trim() || `it ended with ${result.code ?? result.signal}`;
  if (isDiskFull(new Error(said))) throw diskFull(said);
  throw new BuilderFault(`${name} failed: ${said}`);
}
