import type { ImageBuilderArn } from '../contract/arn.ts';
import { parseArn } from '../contract/arn.ts';
import { invalidParameter, notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { WorkflowDocument } from '../documents/workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';
import { formatProblem, InvalidDocumentError } from '../util/problem.ts';
import { insertBuild } from './build-versions.ts';
import { described, findDefinition, ownArn } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { dataOrUri, readDocument } from './document-text.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { describedManagedWorkflow, findManagedWorkflow } from './managed-workflows.ts';
import type { Service } from './service.ts';
import { refuseUnsupportedMembers } from './unsupported-members.ts';
import { workflowParameters } from './workflow-parameters.ts';

const TYPES_IN_ARNS = { BUILD: 'build', TEST: 'test', DISTRIBUTION: 'distribution' } as const;

/** Checks the document and stores it as the next build of its version. Workflows of two types may have one name. */
export async function createWorkflow(
  service: Service,
  input: InputOf<'CreateWorkflow'>,
): Promise<OutputOf<'CreateWorkflow'>> {
  refuseUnsupportedMembers('CreateWorkflow', input);
  return changeOnce(service, 'CreateWorkflow', input, async (trx) => {
    const { name, semanticVersion: version, type } = input;
    const { member, text } = await readDocument(service, dataOrUri(input));
    const document = parse(member, text, name, type);
    const of: ImageBuilderArn = {
      ...ownArn(service, 'workflow', name, version),
      workflowType: TYPES_IN_ARNS[type],
    };
    const content = {
      name,
      version,
      description: input.description,
      changeDescription: input.changeDescription,
      type,
      owner: service.accountId,
      data: text,
      parameters: workflowParameters(document),
    };
    const arn = await insertBuild(service, trx, { kind: 'workflow', of, content, tags: input.tags });
    return { workflowBuildVersionArn: arn, latestVersionReferences: latestVersionReferences(arn) };
  });
}

/** Everything that is wrong with the document comes in one error. */
function parse(member: string, text: string, name: string, type: WorkflowType): WorkflowDocument {
  try {
    return parseWorkflow({ file: name, text, type });
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    throw invalidParameter(member, error.problems.map(formatProblem).join('\n'));
  }
}

/** A version or wildcard ARN means the newest matching build. */
export async function getWorkflow(service: Service, input: InputOf<'GetWorkflow'>): Promise<OutputOf<'GetWorkflow'>> {
  const { workflowBuildVersionArn } = input;
  const arn = parseArn(workflowBuildVersionArn);
  if (arn?.owner === 'aws') {
    const managed = findManagedWorkflow(service, arn);
    if (managed === undefined) throw notFound('workflowBuildVersionArn', workflowBuildVersionArn);
    const workflow = describedManagedWorkflow(managed);
    // AWS gives only this one for its own.
    const { latestVersionArn } = latestVersionReferences(workflow.arn);
    return { workflow: { ...workflow, data: managed.text }, latestVersionReferences: { latestVersionArn } };
  }
  const found = await findDefinition(service.db, 'workflow', workflowBuildVersionArn, 'workflowBuildVersionArn');
  return { workflow: described(found), latestVersionReferences: latestVersionReferences(found.arn) };
}

/** Deletes one build; other builds of the version stay. */
export async function deleteWorkflow(
  service: Service,
  input: InputOf<'DeleteWorkflow'>,
): Promise<OutputOf<'DeleteWorkflow'>> {
  const { workflowBuildVersionArn } = input;
  await deleteDefinition(service, 'workflow', workflowBuildVersionArn, 'workflowBuildVersionArn');
  return { workflowBuildVersionArn };
}
