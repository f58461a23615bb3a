import { spawn } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BuilderFault } from '../../util/faults.ts';
import { connectQmp, type Qmp } from '../qemu/qmp.ts';
import { FILES } from './files.ts';
import { programPath } from './programs.ts';

/** The process that shows a qcow2 as a raw file, in a mount namespace of its own. */
export interface StorageDaemon {
  readonly pid: number;
  readonly qmp: Qmp;
  /** Asks it to write out everything and end; resolves when the disk is no longer open. */
  end(): Promise<void>;
  /** Lets go of it without ending it. */
  release(): void;
}

const DISK = 'disk';
const CONNECT_EVERY_MS = 5;
const START_MS = 10_000;

/**
 * Starts the daemon on the overlay `file` in the instance's folder. It is a process group of its own and names the
 * instance on its command line, so that it is found after a crash. When this rejects, a process may be left.
 */
export async function startStorageDaemon(
  folder: string,
  instanceId: string,
  file: string,
  signal: AbortSignal,
): Promise<StorageDaemon> {
  signal.throwIfAborted();
  const [unshare, daemon] = await Promise.all([programPath('unshare'), programPath('qemu-storage-daemon')]);
  await writeFile(join(folder, FILES.rawDisk), '');
  const log = await open(join(folder, FILES.daemonLog), 'w', 0o600);
  const child = spawn(
    unshare,
    ['--mount', '--propagation', 'slave', '--', daemon, ...daemonArguments(folder, instanceId, file)],
    {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    },
  );
  let gone: Error | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      gone = error;
      resolve();
    });
    child.once('exit', (code, by) => {
      gone ??= new Error(`it ended with ${code ?? by}`);
      resolve();
    });
  });
  child.unref();
  await log.close();

  const begin = performance.now();
  for (;;) {
    signal.throwIfAborted();
    if (gone !== undefined || child.pid === undefined || performance.now() - begin > START_MS) {
      const said = await readFile(join(folder, FILES.daemonLog), 'utf8').catch(() => '');
      throw new BuilderFault(`qemu-storage-daemon does not start: ${said.trim() || gone?.message || 'no answer'}`);
    }
    const qmp = await connectQmp(folder, FILES.daemonSocket, () => {}, signal).catch(() => undefined);
    if (qmp === undefined) {
      await Promise.race([delay(CONNECT_EVERY_MS), exited]);
      continue;
    }
    const end = async (): Promise<void> => {
      await qmp.execute('quit').catch(() => {});
      await exited;
      qmp.close();
    };
    return { pid: child.pid, qmp, end, release: qmp.close };
  }
}

/**
 * Puts what is written from now on into a new overlay at `path`, which is made or, with `existing`, there already. The file
 * systems on the disk must be frozen.
 */
export async function addOverlay(
  { qmp }: StorageDaemon,
  path: string,
  name: string,
  mode: 'absolute-paths' | 'existing' = 'absolute-paths',
): Promise<void> {
  await qmp.execute('blockdev-snapshot-sync', {
    'node-name': await topNode(qmp),
    'snapshot-file': path,
    'snapshot-node-name': name,
    format: 'qcow2',
    mode,
  });
}

/** The node that the export shows now: the newest overlay. */
async function topNode(qmp: Qmp): Promise<string> {
  const exports = await qmp.execute('query-block-exports');
  const [shown] = exports as readonly { readonly 'node-name'?: string }[];
  return shown?.['node-name'] ?? DISK;
}

function daemonArguments(folder: string, instanceId: string, file: string): readonly string[] {
  const disk = {
    driver: 'qcow2',
    'node-name': DISK,
    discard: 'unmap',
    'detect-zeroes': 'unmap',
    // After a crash of the host the disk is thrown away; until then the kernel keeps what was written.
    cache: { 'no-flush': true },
    file: { driver: 'file', filename: join(folder, file), discard: 'unmap' },
  };
  return [
    ...['--blockdev', JSON.stringify(disk)],
    '--export',
    JSON.stringify({
      type: 'fuse',
      id: instanceId,
      'node-name': DISK,
      mountpoint: join(folder, FILES.rawDisk),
      writable: true,
      growable: false,
      'allow-other': 'off',
    }),
    // Last, so that whoever gets through finds the export.
    ...['--chardev', `socket,id=qmp,path=${FILES.daemonSocket},server=on,wait=off`, '--monitor', 'chardev=qmp'],
  ];
}
