import { readFile } from 'node:fs/promises';
import { formatArn } from '../contract/arn.ts';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { WorkflowDocument } from '../documents/workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';

/** Workflows that come with Kiln, named as AWS names its own: documents in the language that everybody uses. */
const MANAGED_WORKFLOWS = {
  'build-image': { type: 'BUILD', version: '1.0.0', build: 1 },
  'express-build-image': { type: 'BUILD', version: '1.0.0', build: 1 },
  'test-image': { type: 'TEST', version: '1.0.0', build: 1 },
  'express-test-image': { type: 'TEST', version: '1.0.0', build: 1 },
  'distribute-image': { type: 'DISTRIBUTION', version: '1.0.0', build: 1 },
} as const satisfies Record<string, { type: WorkflowType; version: string; build: number }>;

export interface ManagedWorkflow {
  /** Of the build version. */
  readonly arn: string;
  readonly text: string;
  readonly document: WorkflowDocument;
}

export type ManagedWorkflowName = keyof typeof MANAGED_WORKFLOWS;

const ARN_TYPES = { BUILD: 'build', TEST: 'test', DISTRIBUTION: 'distribution' } as const;

/** All of them, with their texts, for those who show them. */
export function managedWorkflows(region: string): Promise<ManagedWorkflow[]> {
  const names = Object.keys(MANAGED_WORKFLOWS) as ManagedWorkflowName[];
  return Promise.all(names.map((name) => managedWorkflow(name, region)));
}

export async function managedWorkflow(name: ManagedWorkflowName, region: string): Promise<ManagedWorkflow> {
  const { type, version, build } = MANAGED_WORKFLOWS[name];
  const text = await readFile(new URL(`./workflows/${name}.yaml`, import.meta.url), 'utf8');
  return {
    arn: formatArn({
      ...{ partition: 'aws', region, owner: 'aws', kind: 'workflow', slug: name, version, build },
      workflowType: ARN_TYPES[type],
    }),
    text,
    document: parseWorkflow({ file: `${name}.yaml`, text, type }),
  };
}
