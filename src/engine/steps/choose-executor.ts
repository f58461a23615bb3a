import type { Executor } from '../../build-host/build-host.ts';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import type { ImageStore, MachineImage } from '../../image-store/image-store.ts';
import { BuildFailure } from '../../util/faults.ts';
import type { BuildPlan } from '../build-plan.ts';
import type { StepContext } from './step-action.ts';

export interface ExecutorChoice {
  readonly executor: Executor;
  /** Why it is `vm`, for people. */
  readonly why?: string;
}

interface ParentStore {
  readonly imageStore: Pick<ImageStore, 'get'>;
}

/** What changes nothing but files on an instance, or does nothing with one. */
const ACTIONS_ON_FILES: readonly string[] = [
  'LaunchInstance',
  'ExecuteComponents',
  'CollectImageMetadata',
  'SanitizeInstance',
  'CreateImage',
  'TerminateInstance',
];

/**
 * How an instance is to run components: what the plan says, or `vm` where that must be. Throws a BuildFailure when the plan
 * says `direct` and that cannot be.
 */
export async function chooseExecutor(amiId: string, context: StepContext): Promise<ExecutorChoice> {
  const { plan, workflowType } = context;
  if (workflowType !== 'BUILD') return { executor: 'vm', why: 'an image is tested as it boots' };
  if (plan.executor === 'vm') return { executor: 'vm', why: 'the executor is vm' };
  const why = await whyMachine(amiId, plan, context.engine);
  if (why === undefined && plan.executor === 'direct' && !plan.terminateInstanceOnFailure) {
    throw new BuildFailure(
      'The executor cannot be direct: the instance is to be kept when it fails, and a mounted disk cannot be',
    );
  }
  if (why === undefined) return { executor: plan.executor };
  if (plan.executor === 'direct') throw new BuildFailure(`The executor cannot be direct: ${why}`);
  return { executor: 'vm', why };
}

/** Why the disk of a build instance cannot be mounted first, whatever executor is asked for; undefined when it can. */
export async function whyMachine(
  amiId: string,
  plan: Pick<BuildPlan, 'workflows'>,
  engine: ParentStore,
): Promise<string | undefined> {
  return actionOnMachine(plan) ?? (await importedParent(amiId, engine));
}

/**
 * Whether the disk of a build instance may be made of checkpoints, or be mounted: then only the process that made it can go
 * on with it, and another one begins at the last checkpoint.
 */
export function mayBeMounted(plan: BuildPlan): boolean {
  return plan.executor !== 'vm' && actionOnMachine(plan) === undefined;
}

/** An action of the build workflow that may need a running system, or whose end may be later than this process's. */
function actionOnMachine({ workflows }: Pick<BuildPlan, 'workflows'>): string | undefined {
  for (const { document } of workflows) {
    if (document.type !== 'BUILD') continue;
    const found = document.steps.find(
      ({ action }) =>
        !ACTIONS_ON_FILES.includes(action) &&
        ('instanceId' in WORKFLOW_ACTIONS[action].inputs || action === ('WaitForAction' as string)),
    );
    if (found !== undefined) return `step ${found.name} of the build workflow (${found.action}) is for a machine`;
  }
  return undefined;
}

/** The kernel's file systems are not made for disks that lie: a disk that somebody else made is not mounted here. */
async function importedParent(amiId: string, { imageStore }: ParentStore): Promise<string | undefined> {
  for (let id: string | undefined = amiId; id !== undefined; ) {
    const image: MachineImage | undefined = await imageStore.get(id);
    if (image?.source === 'import') {
      return `${id} was imported, and disks that were made elsewhere are not mounted on this host`;
    }
    id = image?.baseAmiId ?? image?.parentAmiId;
  }
  return undefined;
}
