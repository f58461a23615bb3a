import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endingWithUs } from '../../../util/ending-with-us.ts';
import { BuilderFault } from '../../../util/faults.ts';
import { run } from '../../../util/spawn.ts';
import { removeTree } from '../../files/remove-tree.ts';
import { storageFault, systemErrorIn } from '../../files/storage-fault.ts';
import type { StoreContext } from '../../image-store.ts';
import { aptSettings } from './apt-settings.ts';
import { type DebianArchive, formatSources } from './debian-archive.ts';
import { DEBIAN_PACKAGES } from './debian-packages.ts';
import { writeHooks } from './hooks.ts';
import { LineSplitter } from './line-splitter.ts';
import { type BootstrapPrograms, DEBIAN_KEYRING } from './programs.ts';

export interface RootFolderRequest {
  readonly programs: BootstrapPrograms;
  readonly archive: DebianArchive;
  readonly rootUuid: string;
  /** For everything that is made; the caller removes it afterwards. */
  readonly folder: string;
  /** Seconds since 1970 that files made here are dated with. */
  readonly sourceDateEpoch: number;
}

/** A root file system in a folder; it goes when disposed of. */
export interface RootFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Fills a folder with the root file system of a Debian machine. What mmdebstrap mounts in it is seen and left by nobody else: it
 * has a mount namespace (util/ending-with-us.ts).
 */
export async function makeRootFolder(
  request: RootFolderRequest,
  { signal, monitor }: StoreContext,
): Promise<RootFolder> {
  const { folder, archive } = request;
  const sources = formatSources(archive, DEBIAN_KEYRING);
  const hooks = await writeHooks(folder, { rootUuid: request.rootUuid, sources });
  const sourcesFile = join(folder, 'debian.sources');
  await writeFile(sourcesFile, sources);
  const settingsFile = join(folder, 'apt.conf');
  await writeFile(settingsFile, await aptSettings(signal), { mode: 0o600 });
  const path = join(folder, 'root');
  const root: RootFolder = {
    path,
    [Symbol.asyncDispose]: () => removeTree(path),
  };
  const errors: string[] = [];
  const lines = new LineSplitter((line) => {
    if (/^(?:E|W): /.test(line)) errors.push(line);
    if (/^I: /.test(line)) monitor.line('kiln', `mmdebstrap: ${line.slice('I: '.length)}`);
  });
  const options = [
    '--mode=root',
    '--variant=minbase',
    '--format=directory',
    // The lists of packages stay: what has not changed since is not fetched and unpacked again in a guest.
    '--skip=cleanup/apt/lists',
    `--include=${DEBIAN_PACKAGES.join(',')}`,
    `--aptopt=${settingsFile}`,
    // A bootstrap that is cut short is thrown away: nothing has to survive a power cut.
    '--dpkgopt=force-unsafe-io',
    `--essential-hook=${hooks.essential}`,
    `--customize-hook=${hooks.customize}`,
  ];
  try {
    // Killed with what it has started: nothing may write into the folder when the next start of Kiln removes it.
    const args = [...options, archive.suite, path, sourcesFile];
    const result = await run(...endingWithUs(request.programs.mmdebstrap, args), {
      signal,
      // Nothing of the caller's environment: maintainer scripts would see it.
      env: { ...ENVIRONMENT, TMPDIR: folder, HOME: folder, SOURCE_DATE_EPOCH: String(request.sourceDateEpoch) },
      onStderr: (chunk) => lines.push(chunk),
    });
    if (result.code !== 0) throw bootstrapFault(request, errors, result.stderr.toString());
    return root;
  } catch (error) {
    await root[Symbol.asyncDispose]();
    throw error;
  }
}

const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

function bootstrapFault({ archive, folder }: RootFolderRequest, errors: readonly string[], stderr: string): Error {
  const tail = stderr.trim().split('\n').slice(-12).join('\n');
  const cause = new Error(tail);
  const code = systemErrorIn(stderr);
  if (code === 'ENOSPC') return storageFault(Object.assign(cause, { code }), 'The bootstrap', folder);
  const unreachable = errors.find((line) =>
    /Failed to fetch|Could not (?:connect|resolve)|Connection (?:failed|timed out|refused)|Temporary failure/.test(
      line,
    ),
  );
  if (unreachable !== undefined) {
    return new BuilderFault(`The package mirror cannot be reached: ${unreachable.replace(/^[EW]: /, '')}`, {
      where: `${archive.mainUri} ${archive.suite}`,
      hint:
        archive.origin === 'default'
          ? 'Check that this machine reaches the address.'
          : 'The mirror is the one in /etc/apt: check it with apt-get update.',
      cause,
    });
  }
  const reason = errors.find((line) => line.startsWith('E: ')) ?? tail.split('\n').at(-1) ?? '';
  return new BuilderFault(`mmdebstrap failed: ${reason.replace(/^E: /, '')}`, { where: archive.suite, cause });
}
