import type { WorkflowDocument } from '../../documents/workflow.ts';
import type { WorkflowActionName } from '../../documents/workflow-actions.ts';

/** What may come after the components without a say in what they made. */
const AFTERWARDS: readonly WorkflowActionName[] = [
  'CollectImageMetadata',
  'SanitizeInstance',
  'CreateImage',
  'TerminateInstance',
];

/**
 * Whether a build workflow launches one instance, runs the components on it first of all, and makes an image of it without
 * a pause: then the state of its disk depends on nothing but what the content keys hold.
 */
export function isSimpleBuild({ steps }: WorkflowDocument): boolean {
  const [launch, execute, ...rest] = steps;
  if (launch?.action !== 'LaunchInstance' || execute?.action !== 'ExecuteComponents') return false;
  if (launch.inputs['imageIdOverride'] !== undefined || launch.inputs['imageIdOverride.$'] !== undefined) return false;
  return rest.every(({ action }) => AFTERWARDS.includes(action)) && rest.filter(isCapture).length === 1;
}

function isCapture({ action }: { readonly action: string }): boolean {
  return action === 'CreateImage';
}
