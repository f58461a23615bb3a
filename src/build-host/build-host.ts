import type { Target } from '../toe/target.ts';
import type { Monitor } from '../util/monitor.ts';

/** What to boot. Everything is decided before: the driver looks nothing up. */
export interface LaunchRequest {
  /** `i-` and 17 hex digits; made by the caller so that a crash between asking and answering can be cleaned up. */
  readonly instanceId: string;
  /** The disk to boot from. It is never written: the instance works on an overlay. */
  readonly parentDisk: ParentDisk;
  /** Candidates in order, e.g. `m5.large`; the first that the host's table knows is used. Empty: the host's default. */
  readonly instanceTypes: readonly string[];
  /** Root volume size in GiB when larger than the parent's; never smaller. */
  readonly rootVolumeSizeGiB?: number;
  /** Further empty volumes, in the order of the recipe. */
  readonly extraVolumes: readonly ExtraVolume[];
  /** cloud-init user data as the user wrote it, decoded. */
  readonly userData?: Uint8Array;
  /** Free text for process lists and the instance record: which image this instance belongs to. */
  readonly owner: string;
  /** Seconds after which an instance that never answers is given up. */
  readonly timeoutSeconds: number;
  /** Default `vm`. */
  readonly executor?: Executor;
  /** An overlay on the parent disk to go on with, in place of a new one. It is moved away. */
  readonly overlay?: string;
  /**
   * The `state` of a {@link MachineCheckpoint} whose `disk` is the parent disk: the machine goes on from there in place of
   * booting, with its clock set. Rejects with CheckpointUnusable when it cannot; not with `executor` `direct`.
   */
  readonly resumeFrom?: string;
}

/**
 * How components are run: on a machine (`vm`), on its mounted disk (`direct`), or on the disk for as long as that is the
 * same, and then on the machine (`auto`).
 */
export type Executor = 'auto' | 'direct' | 'vm';

export interface ParentDisk {
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
}

export interface ExtraVolume {
  /** As in the recipe, e.g. `/dev/xvdb`. The guest sees it as the serial of the disk. */
  readonly deviceName: string;
  readonly sizeGiB: number;
}

export interface LaunchContext {
  readonly signal: AbortSignal;
  /** Receives console lines (`console`) and progress (`kiln`). */
  readonly monitor: Monitor;
}

/**
 * A driver that makes instances.
 *
 * - `launch` resolves when the instance takes commands through its target. When it rejects (abort, timeout, guest that
 *   never answers, no QEMU) nothing of the instance is left: no process, no socket, no file. A guest that never answers
 *   is a BuildFailure that carries the last console lines.
 * - `find` gives an instance of this host that is still running, also after the process that launched it was killed:
 *   instances live in process groups of their own.
 * - `list` names all instances this host knows, running or left over.
 */
export interface BuildHost {
  launch(request: LaunchRequest, context: LaunchContext): Promise<Instance>;
  find(instanceId: string): Promise<Instance | undefined>;
  list(): Promise<readonly InstanceSummary[]>;
  /** Ends whatever is left of an instance, running or not. Succeeds when there is nothing. Done within ten seconds. */
  terminate(instanceId: string): Promise<void>;
}

export interface InstanceSummary {
  readonly instanceId: string;
  readonly owner: string;
  readonly running: boolean;
  /** Whether the process that launched it is known to have ended. A build's goes on without that one; others do not. */
  readonly abandoned?: boolean;
}

/** A machine being built or tested. `BuildHost.terminate` ends it; nothing else does. */
export interface Instance {
  readonly instanceId: string;
  readonly target: Target;
  /** How a person gets in while it runs, e.g. an `ssh -i KEY -p PORT root@127.0.0.1` line. */
  readonly enterCommand: string;
  /**
   * Brings the guest to rest with its file systems clean and gives up its root disk: the overlay on the parent disk,
   * whole and no longer open in any process. The instance is then stopped; `terminate` still has to be called. The
   * file may be moved away by the caller.
   */
  stopForCapture(context: LaunchContext): Promise<CapturedDisk>;
  /** Present for as long as the instance is a mounted disk and no machine. */
  readonly unbooted?: UnbootedInstance | undefined;
  /**
   * Keeps the machine as it is at this moment; it goes on. Nothing is at that place yet, and what is put there belongs to the
   * caller. From the call of `onFrozen` on the instance lies on the disk at that place, whatever comes of the rest: it must
   * stay for as long as the instance is there, and the file may be renamed inside. When it rejects the machine goes on too;
   * unless it has called `onFrozen`, on the disk that it had. Absent where it cannot be done.
   */
  readonly checkpointMachine?: ((place: MachineCheckpoint, context: CheckpointContext) => Promise<void>) | undefined;
  /**
   * Bytes of memory that a checkpoint of the machine taken now has to hold, at most and before they are compressed. Absent
   * where none can be taken.
   */
  readonly memoryInUse?: (() => Promise<number>) | undefined;
  /**
   * Resolves when what a machine does by itself at a boot is over, as far as its system says; it takes commands before that.
   * Absent where there is no machine.
   */
  readonly bootEnds?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Absolute paths of the files that the root disk of a machine lies on, the uppermost first. */
  readonly diskBelow?: ((signal: AbortSignal) => Promise<readonly string[]>) | undefined;
  /** Set when the instance is a machine though its executor is `auto`: why, for people. */
  readonly bootedBecause?: string;
}

export interface CheckpointContext extends LaunchContext {
  /** What is done on the machine later is not on the disk that is kept. Called once, or never. */
  readonly onFrozen?: () => void;
}

/** A running machine that was kept. */
export interface MachineCheckpoint {
  /** The root disk as it was, an overlay on what the instance's was on. */
  readonly disk: string;
  /** A folder with all else that a machine is: memory, devices, keys. For its owner only. */
  readonly state: string;
}

/** An instance whose target acts on the mounted root file system; no system runs on it. */
export interface UnbootedInstance {
  /**
   * What was done so far stays, whatever {@link boot} takes back. With `keepAs` the overlay as it is now gets that place
   * (nothing is there yet), and belongs to the caller: the instance goes on with an overlay on it and never writes it again.
   * The file may be renamed inside, as setBackingName does; it must stay for as long as the instance is there.
   */
  checkpoint(signal: AbortSignal, keepAs?: string): Promise<void>;
  /**
   * Names of commands since the last checkpoint that only a running system could have obeyed, each once. Rejects with a
   * BuilderFault when something written did not reach the disk: then nothing that a command said counts.
   */
  caught(signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Boots the disk as it was at the last checkpoint; afterwards the instance is a machine like any other. With `goingOn` it
   * becomes that machine instead, and what is on its disk is that machine's; rejects with CheckpointUnusable when it cannot,
   * and may then be called again. Absent when the instance must not be booted.
   */
  boot?(context: LaunchContext, goingOn?: MachineCheckpoint): Promise<void>;
}

export interface CapturedDisk {
  /** A qcow2 whose backing file is the last overlay that was kept at a checkpoint, else the parent disk of the request. */
  readonly path: string;
}
