/** `workflows` of images and pipelines: which workflows make, test and distribute an image, and with what parameters. */
import type { WorkflowConfiguration } from '@aws-sdk/client-imagebuilder';
import type { Transaction } from 'kysely';
import { parseArn } from '../contract/arn.ts';
import { invalidParameter, notFound } from '../contract/errors.ts';
import type { Partly, Validated } from '../contract/operations.ts';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { WorkflowDocument } from '../documents/workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';
import { workflowOutputsRead } from '../documents/workflow-outputs.ts';
import { parameterValues } from '../documents/workflow-parameters.ts';
import type { Database, WorkflowConfigurationRecord } from '../state/tables.ts';
import { findReferenced } from './definitions.ts';
import { findManagedWorkflow } from './managed-workflows.ts';
import { invalidCombination } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';

type Configuration = Validated<WorkflowConfiguration>;

/** Source: User Guide, "Manage build, test, and distribution workflows for Image Builder images". */
const MAX_WORKFLOWS = 10;
const ORDER: readonly WorkflowType[] = ['BUILD', 'TEST', 'DISTRIBUTION'];

interface Resolved {
  readonly path: string;
  readonly configuration: Configuration;
  /** Of the build version that the configuration means now. */
  readonly arn: string;
  readonly document: WorkflowDocument;
}

/** Reports what can be said without looking at the workflows. */
export function checkWorkflowList(
  workflows: Partly<WorkflowConfiguration[]> | undefined,
  executionRole: string | undefined,
  problems: RequestProblems,
): void {
  if (workflows === undefined || workflows.length === 0) return;
  if (executionRole === undefined) {
    problems.add(invalidCombination('executionRole', 'It must be given when workflows are.'));
  }
  if (workflows.length > MAX_WORKFLOWS) {
    const reason = `At most ${MAX_WORKFLOWS} workflows are allowed, not ${workflows.length}.`;
    problems.add(invalidParameter('workflows', reason));
  }
}

/**
 * Reports workflows that do not exist or do not fit together, and gives all with the ARNs of the build versions that they
 * mean now; undefined when none are given, which means the managed ones.
 */
export async function resolveWorkflows(
  service: Service,
  trx: Transaction<Database>,
  workflows: readonly Configuration[],
  problems: RequestProblems,
): Promise<readonly WorkflowConfigurationRecord[] | undefined> {
  if (workflows.length === 0) return undefined;
  const resolved: Resolved[] = [];
  // More than are allowed are not looked up.
  for (const [index, configuration] of workflows.slice(0, MAX_WORKFLOWS).entries()) {
    const path = `workflows[${index}]`;
    const found = await problems.collect(() => find(service, trx, configuration.workflowArn, path));
    if (found !== undefined) resolved.push({ path, configuration, ...found });
  }
  checkTypes(resolved, problems);
  for (const one of resolved) checkParameters(one, problems);
  // What is not there may have the outputs that are missing.
  if (resolved.length === workflows.length) checkOutputs(resolved, problems);
  return resolved.map(({ arn, configuration: { parameters, parallelGroup, onFailure } }) => ({
    workflowArn: arn,
    ...(parameters === undefined ? {} : { parameters }),
    ...(parallelGroup === undefined ? {} : { parallelGroup }),
    ...(onFailure === undefined ? {} : { onFailure }),
  }));
}

async function find(
  service: Service,
  trx: Transaction<Database>,
  workflowArn: string,
  path: string,
): Promise<Pick<Resolved, 'arn' | 'document'>> {
  const member = `${path}.workflowArn`;
  const arn = parseArn(workflowArn);
  if (arn?.owner === 'aws') {
    const managed = findManagedWorkflow(service, arn);
    if (managed === undefined) throw notFound(member, workflowArn);
    return managed;
  }
  // Workflows cannot be shared between accounts.
  if (arn?.owner !== service.accountId) throw notFound(member, workflowArn);
  const { arn: found, document } = await findReferenced(trx, 'workflow', workflowArn, member);
  const type = document['type'] as WorkflowType;
  return { arn: found, document: parseWorkflow({ file: found, text: String(document['data']), type }) };
}

function checkTypes(resolved: readonly Resolved[], problems: RequestProblems): void {
  for (const { path, configuration, document } of resolved) {
    const { type } = document;
    if (type === 'TEST') continue;
    if (resolved.some((other) => other.path !== path && other.document.type === type)) {
      problems.add(invalidCombination('workflows', `An image has at most one workflow of type ${type}.`));
    }
    if (configuration.parallelGroup !== undefined) {
      const reason = `It is for workflows of type TEST; this one is of type ${type}.`;
      problems.add(invalidCombination(`${path}.parallelGroup`, reason));
    }
    // A stage starts only after the one before it succeeded: only a test can fail and the image go on.
    if (configuration.onFailure === 'CONTINUE') {
      const reason = `CONTINUE is for workflows of type TEST; this one is of type ${type}.`;
      problems.add(invalidCombination(`${path}.onFailure`, reason));
    }
  }
}

function checkParameters({ path, configuration, document }: Resolved, problems: RequestProblems): void {
  for (const { index, message } of parameterValues(document.parameters, configuration.parameters ?? []).problems) {
    if (problems.isFull) return;
    const member = index === undefined ? `${path}.parameters` : `${path}.parameters[${index}]`;
    problems.add(invalidCombination(member, message));
  }
}

/** Outputs have different names in all workflows of an image, and are read only by workflows of later stages or groups. */
function checkOutputs(resolved: readonly Resolved[], problems: RequestProblems): void {
  const ordered = resolved.toSorted((a, b) => ORDER.indexOf(a.document.type) - ORDER.indexOf(b.document.type));
  const writers = new Map<string, Resolved>();
  const before: Resolved[] = [];
  for (const one of ordered) {
    for (const name of workflowOutputsRead(one.document)) {
      if (before.some((other) => hasOutput(other, name) && !runTogether(other, one))) continue;
      const reason = `It reads $.workflowOutputs.${name}, and no workflow that runs before it has an output of this name.`;
      problems.add(invalidCombination(`${one.path}.workflowArn`, reason));
    }
    for (const { name } of one.document.outputs) {
      const other = writers.get(name);
      if (other !== undefined) {
        const reason = `Its output '${name}' is also one of ${other.path}.`;
        problems.add(invalidCombination(`${one.path}.workflowArn`, reason));
      }
      writers.set(name, one);
    }
    before.push(one);
  }
}

function hasOutput({ document }: Resolved, name: string): boolean {
  return document.outputs.some((output) => output.name === name);
}

function runTogether(a: Resolved, b: Resolved): boolean {
  const { parallelGroup: group } = a.configuration;
  return group !== undefined && group === b.configuration.parallelGroup;
}
