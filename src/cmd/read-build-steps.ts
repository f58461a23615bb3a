import {
  GetWorkflowStepExecutionCommand,
  type ImagebuilderClient,
  paginateListWorkflowExecutions,
  paginateListWorkflowStepExecutions,
} from '@aws-sdk/client-imagebuilder';

/** A workflow step of a build, as it is on record. */
export interface BuildStep {
  readonly name: string;
  readonly action: string;
  readonly status: string;
  readonly message: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** The steps of all workflows of a build, in their order. */
export async function readBuildSteps(
  client: ImagebuilderClient,
  imageBuildVersionArn: string,
  abortSignal: AbortSignal,
): Promise<readonly BuildStep[]> {
  const executions: string[] = [];
  for await (const page of paginateListWorkflowExecutions({ client }, { imageBuildVersionArn })) {
    executions.push(...(page.workflowExecutions ?? []).flatMap(({ workflowExecutionId }) => workflowExecutionId ?? []));
  }
  const found: BuildStep[] = [];
  for (const workflowExecutionId of executions) {
    for await (const page of paginateListWorkflowStepExecutions({ client }, { workflowExecutionId })) {
      abortSignal.throwIfAborted();
      for (const { stepExecutionId } of page.steps ?? []) {
        const step = await client.send(new GetWorkflowStepExecutionCommand({ stepExecutionId }), { abortSignal });
        found.push({
          name: step.name ?? '',
          action: step.action ?? '',
          status: step.status ?? '',
          message: step.message ?? '',
          outputs: step.outputs === undefined ? {} : (JSON.parse(step.outputs) as Record<string, unknown>),
        });
      }
    }
  }
  return found;
}
