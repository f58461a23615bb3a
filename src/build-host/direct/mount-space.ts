import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BuilderFault } from '../../util/faults.ts';
import { programPath } from './programs.ts';

/** A mount namespace for the file system of a disk. It goes with its process, and that with this one. */
export interface MountSpace {
  /** The process whose namespace it is. */
  readonly pid: number;
  /** Ends it, and unmounts what is mounted in it and nowhere else; resolves when the process is gone. */
  end(): Promise<void>;
}

/** Enough of a program: it names the instance on its command line, works in its folder, and waits for the end of its input. */
const SCRIPT = 'cd -- "$1" && echo ready && read -r _';

/**
 * Opens a namespace with the mounts of the storage daemon's. What is mounted there is not in the daemon's own: when a process
 * that is killed is the last one in a namespace, the kernel unmounts what is in there on the process's way out, before it
 * closes its files. A daemon that had to write back a file system on its own disk by then would wait for itself for ever,
 * and with it everybody who mounts anything by way of a loop device.
 */
export async function openMountSpace(
  folder: string,
  instanceId: string,
  daemonPid: number,
  signal: AbortSignal,
): Promise<MountSpace> {
  signal.throwIfAborted();
  const [nsenter, unshare] = await Promise.all([programPath('nsenter'), programPath('unshare')]);
  const within = ['--target', String(daemonPid), '--mount', '--'];
  const own = [unshare, '--mount', '--propagation', 'slave', '--'];
  const child = spawn(nsenter, [...within, ...own, '/bin/sh', '-c', SCRIPT, 'mounts', folder, instanceId], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {});
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  const ready = await Promise.race([once(child.stdout, 'data').then(() => true), exited.then(() => false)]);
  if (!ready || child.pid === undefined) throw new BuilderFault(`No mount namespace for a disk: ${said.trim()}`);
  // It must not keep this process from ending, with which it ends itself.
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();
  return {
    pid: child.pid,
    end: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
