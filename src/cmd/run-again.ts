import { GetComponentCommand, type Image, type ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import type { Instance } from '../build-host/build-host.ts';
import { parseArn } from '../contract/arn.ts';
import { parseComponent } from '../documents/parse-component.ts';
import { BUILD_PHASES } from '../engine/checkpoints/build-keys.ts';
import { componentEnvironment, instanceMetadata } from '../engine/component-surroundings.ts';
import { DEFAULT_WORKING_DIRECTORY } from '../engine/recipe-parts.ts';
import { runDocuments } from '../toe/run-documents.ts';
import type { RunnableDocument } from '../toe/run-documents.types.ts';
import { knownMetadata } from '../toe/services/known-metadata.ts';
import { BuilderFault } from '../util/faults.ts';
import type { Monitor } from '../util/monitor.ts';
import type { CommandContext } from './command.ts';
import { connect } from './connect.ts';
import { servicesOf } from './toe/services.ts';

/** Components of a build that ended well on its machine after that was kept last. */
export interface LackingComponents {
  readonly image: Image;
  readonly documents: readonly RunnableDocument[];
}

/** @param noted The output `stateLacks` of the step that ran them. */
export async function readLacking(
  noted: string,
  image: Image,
  client: ImagebuilderClient,
  abortSignal: AbortSignal,
): Promise<LackingComponents> {
  const documents: RunnableDocument[] = [];
  const list = JSON.parse(noted) as readonly (Pick<RunnableDocument, 'parameters'> & { readonly component: string })[];
  for (const { component: id, parameters } of list) {
    const command = new GetComponentCommand({ componentBuildVersionArn: id });
    const { component } = await client.send(command, { abortSignal });
    documents.push({ id, document: parseComponent(component?.data ?? '', id), parameters });
  }
  return { image, documents };
}

/**
 * Runs them again as the build did, on a copy of the machine as it was before them. Rejects with a BuilderFault when one does
 * not end well this time.
 */
export async function runAgain(
  { image, documents }: LackingComponents,
  { instanceId, target }: Instance,
  context: CommandContext,
  monitor: Monitor,
): Promise<void> {
  const { config, signal } = context;
  const services = servicesOf(context);
  const { owner = '', region = '', build = 0 } = parseArn(image.arn ?? '') ?? {};
  const names = documents.map(({ id }) => parseArn(id)?.slug ?? id).join(', ');
  monitor.line('kiln', `Running ${names} again, which ended too quickly to be kept`);
  const result = await runDocuments({
    executionId: instanceId,
    documents,
    phases: BUILD_PHASES,
    target,
    environment: componentEnvironment(
      {
        imageArn: image.arn ?? '',
        version: image.version ?? '',
        buildNumber: build,
        pipelineArn: image.sourcePipelineArn,
      },
      // A component that looks at these is another one each time, and the state after it is that of no key.
      { phase: 'BUILDING', workflowExecutionId: '', stepExecutionId: '' },
    ),
    workingDirectory: image.imageRecipe?.workingDirectory ?? DEFAULT_WORKING_DIRECTORY,
    accountId: owner,
    region,
    services: {
      ...services,
      components: async (arn, until) => {
        await using _ = await connect(config, until, { builds: false });
        if (services.components === undefined) throw new Error('this component does not exist');
        return await services.components(arn, until);
      },
      metadata: knownMetadata(
        instanceMetadata(instanceId, '', {
          region,
          instanceTypes: image.infrastructureConfiguration?.instanceTypes ?? [],
        }),
      ),
    },
    signal,
    monitor: { line: monitor.line, stepStarted: () => {}, stepEnded: () => {} },
  });
  if (result.status === 'success') return;
  const { documentId = '', step = '', errorMessage = result.failureMessage } = result.firstFailure ?? {};
  throw new BuilderFault(
    `The state cannot be had again: ${parseArn(documentId)?.slug ?? documentId} ended well in the build, and now step ${step} fails: ${errorMessage}`,
    { hint: 'Enter the state before an earlier component: kiln show has their names.' },
  );
}
