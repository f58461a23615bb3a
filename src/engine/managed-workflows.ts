import { readFile } from 'node:fs/promises';
import { formatArn } from '../contract/arn.ts';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';
import type { PlannedWorkflow } from './build-plan.ts';

/** Workflows that come with Kiln, named as AWS names its own: documents in the language that everybody uses. */
const MANAGED_WORKFLOWS = {
  'build-image': { type: 'BUILD', version: '1.0.0', build: 1 },
  'test-image': { type: 'TEST', version: '1.0.0', build: 1 },
} as const satisfies Record<string, { type: WorkflowType; version: string; build: number }>;

export type ManagedWorkflowName = keyof typeof MANAGED_WORKFLOWS;

/** All of them, with their texts, for those who show them. */
export function managedWorkflows(region: string): Promise<(PlannedWorkflow & { readonly text: string })[]> {
  const names = Object.keys(MANAGED_WORKFLOWS) as ManagedWorkflowName[];
  return Promise.all(names.map((name) => managedWorkflow(name, region)));
}

export async function managedWorkflow(
  name: ManagedWorkflowName,
  region: string,
): Promise<PlannedWorkflow & { readonly text: string }> {
  const { type, version, build } = MANAGED_WORKFLOWS[name];
  const text = await readFile(new URL(`./workflows/${name}.yaml`, import.meta.url), 'utf8');
  return {
    arn: formatArn({
      ...{ partition: 'aws', region, owner: 'aws', kind: 'workflow', slug: name, version, build },
      workflowType: type === 'BUILD' ? 'build' : 'test',
    }),
    text,
    document: parseWorkflow({ file: `${name}.yaml`, text, type }),
  };
}
