import type { WorkflowDocument } from '../../documents/workflow.ts';
import type { WorkflowActionName } from '../../documents/workflow-actions.ts';
import type { PlannedWorkflow } from '../build-plan.ts';

/** What may come after the components without a say in what they made. */
const AFTERWARDS: readonly WorkflowActionName[] = [
  'CollectImageMetadata',
  'SanitizeInstance',
  'CreateImage',
  'TerminateInstance',
];

/** The build workflow of an image that reuses what earlier builds did; undefined when it is none of which Kiln knows enough. */
export function simpleBuildOf(workflows: readonly PlannedWorkflow[]): PlannedWorkflow | undefined {
  const [workflow, ...others] = workflows.filter(({ document }) => document.type === 'BUILD');
  return workflow !== undefined && others.length === 0 && isSimpleBuild(workflow.document) ? workflow : undefined;
}

/**
 * Whether a build workflow launches one instance, runs the components on it first of all, and makes an image of it without
 * a pause: then the state of its disk depends on nothing but what the content keys hold.
 */
function isSimpleBuild({ steps }: WorkflowDocument): boolean {
  const [launch, execute, ...rest] = steps;
  if (launch?.action !== 'LaunchInstance' || execute?.action !== 'ExecuteComponents') return false;
  if (launch.inputs['imageIdOverride'] !== undefined || launch.inputs['imageIdOverride.$'] !== undefined) return false;
  return rest.every(({ action }) => AFTERWARDS.includes(action)) && rest.filter(isCapture).length === 1;
}

function isCapture({ action }: { readonly action: string }): boolean {
  return action === 'CreateImage';
}
