import type { Instance } from '../build-host/build-host.ts';
import type { ImageClaim } from '../state/transitions/claim.ts';
import type { Monitor } from '../util/monitor.ts';
import type { BuildPlan } from './build-plan.ts';
import type { Engine } from './engine.ts';

/** A build on its way: what every workflow and step of it works with. */
export interface BuildRun {
  readonly engine: Engine;
  /** Under which all records are written; a later claim of the image fences this build off. */
  readonly claim: ImageClaim;
  readonly plan: BuildPlan;
  readonly progress: BuildProgress;
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
}

export interface LaunchedInstance {
  readonly instance: Instance;
  /** The AMI it was launched from. */
  readonly amiId: string;
}
