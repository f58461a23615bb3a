import type { Executor } from '../../build-host/build-host.ts';
import { resolveInputs } from '../../documents/workflow-references.ts';
import type { BuildPlan, PlannedWorkflow } from '../build-plan.ts';
import { textListInput } from '../steps/step-action.ts';

/** What of this host, and of the machines that it makes, may show in the disks that are made here. */
export interface MachineFacts {
  /** Model of this host's processor: components see it when they run on a mounted disk. */
  readonly hostCpu: string;
  /** vCPUs, memory and models of the processor of the machine that these instance types are given. */
  readonly machineFor: (instanceTypes: readonly string[]) => string;
}

/** What a build starts from, and where. */
export interface BuildGround {
  /** sha256 of the parent's disk. */
  readonly parentDigest: string;
  readonly executor: Executor;
  /** Of {@link MachineFacts}; undefined where that is not known. */
  readonly hostCpu: string | undefined;
  readonly machine: string | undefined;
  readonly platform: string;
  /** Base64. */
  readonly userData: string | undefined;
  readonly rootVolumeSizeGiB: number | undefined;
  readonly extraVolumes: readonly unknown[];
  /** As the metadata of the instance say it. */
  readonly instanceType: string | undefined;
  readonly workingDirectory: string;
  readonly accountId: string;
  readonly region: string;
}

/** The members of a plan that decide. */
export type GroundPlan = Pick<
  BuildPlan,
  'executor' | 'platform' | 'rootVolumeSizeGiB' | 'extraVolumes' | 'instanceTypes' | 'workingDirectory'
>;

export interface GroundPlace {
  readonly parentDigest: string;
  readonly userData: string | undefined;
  readonly accountId: string;
  readonly region: string;
  readonly machineFacts: MachineFacts | undefined;
  /** Of the instance, where they are others than those of the plan. */
  readonly launchedTypes?: readonly string[];
}

export function buildGround(
  { executor, platform, rootVolumeSizeGiB, extraVolumes, instanceTypes, workingDirectory }: GroundPlan,
  { parentDigest, userData, accountId, region, machineFacts, launchedTypes = instanceTypes }: GroundPlace,
): BuildGround {
  const [instanceType, ...others] = instanceTypes;
  return {
    ...{ parentDigest, executor, platform, userData, rootVolumeSizeGiB, extraVolumes, workingDirectory },
    ...{ accountId, region },
    hostCpu: machineFacts?.hostCpu,
    // Of several types the host takes the first that it knows: what it makes of them counts, not what they are called.
    machine: machineFacts?.machineFor(launchedTypes),
    instanceType: others.length === 0 ? instanceType : undefined,
  };
}

/** The instance types that the build workflow launches its instance with; undefined where it has none of its own. */
export function launchedTypesOf({ document, parameters }: PlannedWorkflow): readonly string[] | undefined {
  const launch = document.steps.find(({ action }) => action === 'LaunchInstance');
  const named = Object.entries(launch?.inputs ?? {}).filter(([name]) => /^instanceTypesOverride(?:\.\$)?$/.test(name));
  // It is the first step: there is nothing but parameters that could say which.
  const scope = { parameters, stepOutputs: {}, workflowOutputs: {}, imagebuilder: {} };
  return textListInput(resolveInputs(Object.fromEntries(named), scope), 'instanceTypesOverride');
}
