import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { BuilderFault } from '../../util/faults.ts';
import { FILES } from './files.ts';
import { programPath, runHost } from './programs.ts';

/** The name server that slirp4netns has inside. It asks the host's. */
export const NAME_SERVER = '10.0.2.3';

/** Where a cloud tells a machine its secrets: those are the host's. */
const LINK_LOCAL = '169.254.0.0/16';

/**
 * Gives a network namespace a way out as QEMU's user networking does, but none to the host's loopback nor to the
 * metadata of the host's instance. Nothing can connect inwards. The process names the instance on its command line; it ends with this one.
 *
 * @returns Takes the network away.
 */
export async function giveNetwork(
  folder: string,
  instanceId: string,
  pid: number,
  signal: AbortSignal,
): Promise<() => void> {
  const program = await programPath('slirp4netns');
  const log = await open(join(folder, FILES.networkLog), 'w', 0o600);
  const args = [
    '--configure',
    '--mtu=65520',
    '--disable-host-loopback',
    '--enable-seccomp',
    '--ready-fd=3',
    '--exit-fd=4',
  ];
  // The socket is of no use to us; its name marks the process.
  const child = spawn(program, [...args, `--api-socket=${instanceId}.sock`, String(pid), 'tap0'], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'pipe', 'pipe'],
  });
  child.unref();
  await log.close();
  try {
    await ready(child, signal);
    const inside = ['--target', String(pid), '--net', '--', await programPath('ip')];
    await runHost('nsenter', [...inside, 'route', 'add', 'blackhole', LINK_LOCAL], { signal });
    const exit = child.stdio[4];
    if (exit instanceof Socket) exit.unref();
    return () => exit?.destroy();
  } catch (error) {
    child.kill('SIGKILL');
    signal.throwIfAborted();
    const said = await readFile(join(folder, FILES.networkLog), 'utf8').catch(() => '');
    if (error instanceof BuilderFault) throw error;
    throw new BuilderFault(`slirp4netns does not start: ${said.trim().split('\n').at(-1) ?? ''}`, { cause: error });
  }
}

async function ready(child: ChildProcess, signal: AbortSignal): Promise<void> {
  const pipe = child.stdio[3];
  const onAbort = (): void => {
    pipe?.destroy(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, by) => reject(new Error(`it ended with ${code ?? by}`)));
      pipe?.once('data', () => resolve());
      pipe?.once('error', reject);
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    pipe?.destroy();
  }
}
