import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BuilderFault, BuildFailure } from '../../util/faults.ts';
import type { Monitor } from '../../util/monitor.ts';
import { type ConsoleLog, readConsole } from './console.ts';
import { stuckOf } from './guest-stuck.ts';
import { FILES } from './instance-record.ts';
import { diskFull, hostFault, isDiskFull, type QemuPrograms } from './programs.ts';
import { type MachineSpec, qemuCommand } from './qemu-command.ts';
import { connectQmp, type Qmp, type QmpEvent } from './qmp.ts';
import { connectInFolder } from './unix-socket.ts';

/** A QEMU process that we hold the controls of. */
export interface Machine {
  readonly qmp: Qmp;
  readonly console: ConsoleLog;
  /** The port of 127.0.0.1 behind which the guest's sshd is. */
  readonly sshPort: number;
  /** Why the guest will never answer again, once that is known. */
  whyGone(): BuilderFault | BuildFailure | undefined;
  /** Aborted, with {@link Machine.whyGone}'s error as its reason, as soon as that is known. */
  readonly gone: AbortSignal;
  /** Lets go of the controls. The guest runs on. */
  release(): void;
}

const CONNECT_EVERY_MS = 10;

/**
 * Starts QEMU in the instance's folder, in a process group and session of its own, so that the guest outlives us, and
 * lets the guest run. When it rejects, a process may be left: the caller ends the instance.
 *
 * @param load Done before the guest runs.
 */
export async function startMachine(
  folder: string,
  spec: MachineSpec,
  programs: QemuPrograms,
  context: { readonly signal: AbortSignal; readonly monitor: Monitor },
  load: (qmp: Qmp) => Promise<void> = async () => {},
): Promise<Machine> {
  const { signal } = context;
  signal.throwIfAborted();
  const gone = new AbortController();
  const end = (fault: BuilderFault | BuildFailure): void => {
    if (!gone.signal.aborted) gone.abort(fault);
  };
  const whyGone: Machine['whyGone'] = () => (gone.signal.aborted ? gone.signal.reason : undefined);

  const log = await open(join(folder, FILES.qemuLog), 'w', 0o600);
  const [program, ...args] = qemuCommand(programs, spec, process.arch);
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      end(hostFault(error, program === programs.perl ? 'perl' : 'qemuSystem', program));
      resolve();
    });
    child.once('exit', (code, exitSignal) => {
      qemuEnded(folder, code ?? exitSignal ?? 'unknown')
        .then(end, end)
        .finally(resolve);
    });
  });
  child.unref();
  await log.close();

  const onEvent = (event: QmpEvent): void => {
    const fault = faultOf(event);
    if (fault !== undefined) end(fault);
  };
  let qmp: Qmp | undefined;
  while (qmp === undefined) {
    signal.throwIfAborted();
    const fault = whyGone();
    if (fault !== undefined) throw fault;
    qmp = await connectQmp(folder, FILES.qmp, onEvent, signal).catch(() => undefined);
    if (qmp === undefined) await Promise.race([delay(CONNECT_EVERY_MS), exited]);
  }
  qmp.closed
    .then(() => Promise.race([exited, delay(1_000)]))
    .then(() => end(new BuilderFault('QEMU has let go of the connection to it.')));
  try {
    const socket = await connectInFolder(folder, FILES.console);
    const log = readConsole(socket, (line) => {
      context.monitor.line('console', line);
      const lost = panicOf(line) ?? stuckOf(line);
      if (lost !== undefined) end(lost);
    });
    const sshPort = forwardedPort(await qmp.execute('human-monitor-command', { 'command-line': 'info usernet' }));
    await load(qmp);
    await qmp.execute('cont');
    const controls = qmp;
    const release = (): void => {
      controls.close();
      socket.destroy();
    };
    return { qmp, console: log, sshPort, whyGone, gone: gone.signal, release };
  } catch (error) {
    qmp.close();
    await Promise.race([exited, delay(100)]);
    throw whyGone() ?? error;
  }
}

/** QEMU's reason for ending, from what it has printed. */
async function qemuEnded(folder: string, how: number | string): Promise<BuilderFault> {
  const said = (await readFile(join(folder, FILES.qemuLog), 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => line !== '' && !line.includes('warning:'))
    .slice(-5)
    .join('\n');
  if (isDiskFull(new Error(said))) return diskFull(said);
  return new BuilderFault(`QEMU has ended (${how})${said === '' ? '.' : `: ${said}`}`);
}

/** What an event means for the guest, if it means the end. Errors of the host's disk stop the guest (`werror=stop`). */
export function faultOf({ event, data }: QmpEvent): BuilderFault | BuildFailure | undefined {
  if (event === 'SHUTDOWN' && data['guest'] === true) {
    return new BuildFailure('The guest has shut itself down.', { kind: 'guest lost' });
  }
  if (event !== 'BLOCK_IO_ERROR') return undefined;
  const detail = `${data['operation']} on ${data['node-name'] ?? data['device']}: ${data['reason']}`;
  return data['nospace'] === true ? diskFull(detail) : new BuilderFault(`The host cannot ${detail}.`);
}

/**
 * A Linux writes this line when it stands still for good; one that restarts by itself after a panic does not. What
 * it would do next is nothing, and the time limit of a launch is an hour and more.
 */
export function panicOf(line: string): BuildFailure | undefined {
  const [, why] = /---\[ end Kernel panic - not syncing: (.*?) *\]---/.exec(line) ?? [];
  if (why === undefined) return undefined;
  return new BuildFailure(`The kernel of the guest has panicked: ${why}`, {
    kind: 'guest lost',
    hint: 'The lines before that on its console say where (kiln logs).',
  });
}

/** The port that the kernel chose, from the table that QEMU prints for people; there is no other way to ask. */
function forwardedPort(table: unknown): number {
  const port = /TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s/.exec(String(table))?.[1];
  if (port === undefined) throw new BuilderFault(`QEMU does not say which port it forwards:\n${String(table)}`);
  return Number(port);
}
