import { ENDING_PROGRAMS } from '../../../util/ending-with-us.ts';
import { BuilderFault } from '../../../util/faults.ts';
import { isReadable } from './apt-sources.ts';

interface Program {
  readonly debianPackage: string;
  /** Where it is on the distributions that have it; folders of administrators are not in everybody's path. */
  readonly paths: readonly string[];
}

const PROGRAMS = {
  mmdebstrap: { debianPackage: 'mmdebstrap', paths: ['/usr/bin/mmdebstrap'] },
  mke2fs: { debianPackage: 'e2fsprogs', paths: ['/usr/sbin/mke2fs', '/sbin/mke2fs'] },
  setpriv: { debianPackage: 'util-linux', paths: ['/usr/bin/setpriv', '/bin/setpriv'] },
  unshare: { debianPackage: 'util-linux', paths: ['/usr/bin/unshare', '/bin/unshare'] },
} as const satisfies Readonly<Record<string, Program>>;

export const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Paths of the programs that a bootstrap needs. */
export interface BootstrapPrograms {
  readonly mmdebstrap: string;
  readonly mke2fs: string;
}

/** @throws BuilderFault for another user than root, and one that names every package that is missing. */
export async function findPrograms(isRoot: boolean): Promise<BootstrapPrograms> {
  if (!isRoot) {
    // The files of an image belong to many users, and only root may make files for others.
    throw new BuilderFault('A bootstrap has to be done by root', {
      hint: 'Start this once with sudo, or bring an image of your own: kiln import FILE --name NAME --platform Linux',
      missingPrerequisite: true,
    });
  }
  const missing = new Set<string>();
  const find = async (program: Program): Promise<string> => {
    for (const path of program.paths) if (await isReadable(path)) return path;
    missing.add(program.debianPackage);
    return '';
  };
  const mmdebstrap = await find(PROGRAMS.mmdebstrap);
  const mke2fs = await find(PROGRAMS.mke2fs);
  for (const program of ENDING_PROGRAMS) await find(PROGRAMS[program]);
  if (!(await isReadable(DEBIAN_KEYRING))) missing.add('debian-archive-keyring');
  if (missing.size > 0) {
    throw new BuilderFault(`Programs to make Debian images with are missing: ${[...missing].join(', ')}`, {
      hint: `Install them, on Debian and Ubuntu: apt-get install ${[...missing].join(' ')}`,
      missingPrerequisite: true,
    });
  }
  return { mmdebstrap, mke2fs };
}
