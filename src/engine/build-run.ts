import type { Instance } from '../build-host/build-host.ts';
import type { ImageClaim } from '../state/transitions/claim.ts';
import type { Monitor } from '../util/monitor.ts';
import type { BuildPlan } from './build-plan.ts';
import type { BuildCache } from './checkpoints/build-cache.ts';
import type { BuildHistory } from './checkpoints/build-history.ts';
import type { ComponentRecord } from './checkpoints/component-record.ts';
import type { Engine } from './engine.ts';

/** A build on its way: what every workflow and step of it works with. */
export interface BuildRun {
  readonly engine: Engine;
  /** Under which all records are written; a later claim of the image fences this build off. */
  readonly claim: ImageClaim;
  readonly plan: BuildPlan;
  readonly progress: BuildProgress;
  /** What it may take over from earlier builds; undefined when that is nothing. */
  readonly cache?: BuildCache | undefined;
  /** The image's log, for lines of one workflow step or of none. */
  readonly monitorFor: (stepName?: string) => Monitor;
}

/** What a build has made so far. Steps add to it; the end of the build releases what it holds. */
export interface BuildProgress {
  /** Instances that were launched and not terminated. */
  readonly instances: Map<string, LaunchedInstance>;
  /** Those of them that outlive the failed build, because somebody wants to look at them. */
  readonly kept: Set<string>;
  /** Set before the AMI is made, so that a capture that fails half-way is found. */
  outputAmiId: string | undefined;
  osVersion: string | undefined;
  /** Of the components whose work was taken over from earlier builds. */
  reused?: readonly ComponentRecord[];
  /** Of all components whose work is in the image. */
  ran?: readonly ComponentRecord[];
  /** How long the last machine took to boot. */
  bootSeconds?: number;
  /** Instances that have ended, and that were machines of earlier builds which went on. */
  wentOn?: ReadonlySet<string>;
}

export interface LaunchedInstance {
  readonly instance: Instance;
  /** The AMI it was launched from. */
  readonly amiId: string;
  /** Why it is a machine, if it began as one and not as a mounted disk, for people. */
  readonly whyMachine?: string | undefined;
  /** Of a build instance: what led to its disk. */
  readonly history?: BuildHistory;
}
