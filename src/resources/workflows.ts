import type { ImageBuilderArn } from '../contract/arn.ts';
import { parseArn } from '../contract/arn.ts';
import { invalidParameter, notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { WorkflowDocument } from '../documents/workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';
import { formatProblem, InvalidDocumentError } from '../util/problem.ts';
import { insertBuild } from './build-versions.ts';
import { described, findDefinition, ownArn } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { type DocumentText, dataOrUri, inlineDocument, parsedDocument } from './document-text.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { describedManagedWorkflow, findManagedWorkflow } from './managed-workflows.ts';
import { RequestProblems } from './request-problems.ts';
import type { CheckContext, Service } from './service.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';
import { checkVersionNodes } from './versions.ts';
import { workflowParameters } from './workflow-parameters.ts';

const TYPES_IN_ARNS = { BUILD: 'build', TEST: 'test', DISTRIBUTION: 'distribution' } as const;

/** Reports what is wrong with the request. @returns the document in it, when it has one that is valid */
export function checkCreateWorkflow(
  _context: CheckContext,
  input: Partly<InputOf<'CreateWorkflow'>>,
  problems: RequestProblems,
): Parsed | undefined {
  reportUnsupportedMembers('CreateWorkflow', input, problems);
  checkVersionNodes(input, problems);
  const inline = inlineDocument(dataOrUri(input), problems);
  const { name = 'workflow', type } = input;
  // Which actions a document may have is a question of its type.
  if (inline === undefined || type === undefined) return undefined;
  return problems.attempt(() => parse(inline, name, type));
}

interface Parsed {
  readonly text: string;
  readonly document: WorkflowDocument;
}

/** Checks the document and stores it as the next build of its version. Workflows of two types may have one name. */
export async function createWorkflow(
  service: Service,
  input: InputOf<'CreateWorkflow'>,
): Promise<OutputOf<'CreateWorkflow'>> {
  const problems = new RequestProblems();
  const inline = checkCreateWorkflow(service, input, problems);
  return changeOnce(service, 'CreateWorkflow', input, async (trx) => {
    const { name, semanticVersion: version, type } = input;
    const read = (found: DocumentText) => parse(found, name, type);
    const { text, document } = await parsedDocument(service, dataOrUri(input), inline, read, problems);
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
function parse({ member, text }: DocumentText, name: string, type: WorkflowType): Parsed {
  try {
    return { text, document: parseWorkflow({ file: name, text, type }) };
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
