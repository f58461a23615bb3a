import { type ImageBuilderArn, parseArn } from '../contract/arn.ts';
import { invalidParameter } from '../contract/errors.ts';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import { fixedNodes, isSelectable, MAX_NODE } from '../contract/version.ts';
import { slugColumn } from '../state/find-resource.ts';
import { buildsOf, byNameOnly, bySeq, byVersionNumber, type ListedDefinition, summaryOf } from './definition-lists.ts';
import { byValue, byVersion, type Cursor, checkFilters, type Filters, listPage } from './lists.ts';
import { arnOf, describedManagedWorkflow, matching } from './managed-workflows.ts';
import { checkByName, checkOwner, NOTHING } from './owners.ts';
import { invalidVersion } from './refusals.ts';
import { RequestProblems } from './request-problems.ts';
import type { ManagedWorkflow, Service } from './service.ts';

interface ListedWorkflow {
  readonly key: Cursor;
  readonly version: string;
  readonly build: number;
  readonly summary: { readonly arn: string; readonly [member: string]: unknown };
}

interface WorkflowSource {
  readonly read: (after: Cursor | undefined, limit: number) => Promise<ListedWorkflow[]>;
}

const FILTERS: Filters<ListedWorkflow> = {
  description: byValue((workflow) => workflow.summary['description']),
  name: byValue((workflow) => workflow.summary['name']),
  type: byValue((workflow) => workflow.summary['type']),
  version: byVersion((workflow) => workflow),
};

/** Workflows cannot be shared, and third parties have none. As AWS. */
const OWNERS = ['Self', 'Amazon', 'AWSMarketplace'] as const;

export function checkListWorkflows(input: Partly<InputOf<'ListWorkflows'>>, problems: RequestProblems): void {
  checkOwner('Workflows', OWNERS, input.owner, problems);
  checkByName(input, problems);
  checkFilters(input.filters, FILTERS, problems);
}

/** One entry per version, described by its newest build; one per name with `byName`. */
export async function listWorkflows(
  service: Service,
  input: InputOf<'ListWorkflows'>,
): Promise<OutputOf<'ListWorkflows'>> {
  const problems = new RequestProblems();
  checkListWorkflows(input, problems);
  problems.throwIfAny();
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListWorkflows',
    filters: FILTERS,
    cursor: (workflow: ListedWorkflow) => workflow.key,
    read: ownedBy(service, input).read,
    item: ({ summary }: ListedWorkflow) => ({
      ...summary,
      arn: summary.arn.slice(0, summary.arn.lastIndexOf('/')),
    }),
  });
  return { workflowVersionList: items, ...next };
}

function ownedBy(service: Service, { owner = 'Self', byName = false }: InputOf<'ListWorkflows'>): WorkflowSource {
  if (owner === 'Self') return own(byName ? byNameOnly(service, 'workflow') : byVersionNumber(service, 'workflow'));
  return owner === 'Amazon' ? managed(service.managedWorkflows) : NOTHING;
}

/** All builds of the versions that an ARN means, with wildcards or not; or all builds of this account. */
export async function listWorkflowBuildVersions(
  service: Service,
  input: InputOf<'ListWorkflowBuildVersions'>,
): Promise<OutputOf<'ListWorkflowBuildVersions'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListWorkflowBuildVersions',
    cursor: (workflow: ListedWorkflow) => workflow.key,
    read: buildVersions(service, input.workflowVersionArn).read,
    item: ({ summary }: ListedWorkflow) => summary,
  });
  return { workflowSummaryList: items, ...next };
}

function buildVersions(service: Service, workflowVersionArn: string | undefined): WorkflowSource {
  if (workflowVersionArn === undefined) return own(bySeq(service, 'workflow'));
  const { arn, nodes } = readWorkflowVersionArn(workflowVersionArn);
  if (arn.owner === 'aws') return managed(matching(service, arn));
  return isOwn(service, arn) ? own(buildsOf(service, 'workflow', { slug: slugColumn(arn), nodes })) : NOTHING;
}

/** The ARN and the nodes that it fixes. Throws what cannot be the ARN of versions. */
export function readWorkflowVersionArn(text: string): {
  readonly arn: ImageBuilderArn;
  readonly nodes: readonly number[];
} {
  const arn = parseArn(text);
  if (arn?.version === undefined || arn.kind !== 'workflow') {
    throw invalidParameter('workflowVersionArn', 'It must be the ARN of a workflow version, without its build.');
  }
  const nodes = fixedNodes(arn.version);
  if (!isSelectable(arn.version) || nodes.some((node) => node > MAX_NODE)) {
    throw invalidVersion(
      'workflowVersionArn',
      `Each node is a number from 0 to ${MAX_NODE} or x, and every node to the right of an x is x too.`,
    );
  }
  return { arn, nodes };
}

function isOwn(service: Service, { owner, region }: ImageBuilderArn): boolean {
  return owner === service.accountId && region === service.region;
}

interface Rows {
  readonly read: (after: Cursor | undefined, limit: number) => Promise<ListedDefinition[]>;
  readonly cursor: (row: ListedDefinition) => Cursor;
}

const MEMBERS = ['name', 'version', 'description', 'changeDescription', 'type', 'owner', 'dateCreated'] as const;

function own({ read, cursor }: Rows): WorkflowSource {
  return {
    read: async (after, limit) =>
      (await read(after, limit)).map((row) => ({
        key: cursor(row),
        version: row.version ?? '',
        build: row.build ?? 0,
        summary: { arn: row.arn, ...summaryOf(row, MEMBERS), tags: row.tags },
      })),
  };
}

/** In order of their ARNs. There is one version of each, so `byName` changes nothing. */
function managed(workflows: readonly ManagedWorkflow[]): WorkflowSource {
  const sorted = workflows
    .map((workflow) => {
      const { version, build } = arnOf(workflow);
      const { parameters: _parameters, ...summary } = describedManagedWorkflow(workflow);
      return { key: [workflow.arn], version, build, summary };
    })
    .sort((a, b) => (a.summary.arn < b.summary.arn ? -1 : 1));
  return {
    read: async (after, limit) =>
      sorted.filter(({ summary }) => after === undefined || summary.arn > String(after[0])).slice(0, limit),
  };
}
