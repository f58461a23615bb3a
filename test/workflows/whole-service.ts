/** API operations and engine on one database and the simulated build host: what a caller asks for is built. */

import { hasCheckpointForRetry } from '../../src/engine/checkpoints/checkpoint-for-retry.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { managedWorkflows } from '../../src/engine/managed-workflows.ts';
import { runBuild } from '../../src/engine/run-build.ts';
import { type BuildBench, openBench } from '../../src/engine/simulated/build-bench.ts';
import { ARN_PREFIX, type Call, DEBIAN_ARN, testService, token } from '../../src/resources/test-service.ts';
import type { Clock } from '../../src/util/clock.ts';

export interface WholeService extends AsyncDisposable {
  readonly bench: BuildBench;
  readonly call: Call;
  /** A recipe with these components (phases of a document each) and an infrastructure configuration. */
  definitions(options?: DefinitionOptions): Promise<{ imageRecipeArn: string; infrastructureConfigurationArn: string }>;
  /** CreateWorkflow; gives the ARN of the build version. */
  workflow(name: string, type: 'BUILD' | 'TEST' | 'DISTRIBUTION', body: string): Promise<string>;
  /** CreateImage with these workflows, without running it. */
  image(workflows: readonly object[], options?: DefinitionOptions): Promise<string>;
  /** Takes the image as a worker does, until it ends or is put aside. */
  work(imageArn: string): Promise<void>;
  /** As {@link work}, by a process that has nothing in memory of what was done before. */
  workAnew(imageArn: string): Promise<void>;
  /** `Name STATUS` of every step, in order. */
  steps(imageArn: string): Promise<readonly string[]>;
}

export interface DefinitionOptions {
  readonly components?: readonly string[];
  readonly infrastructure?: object;
  readonly distributions?: readonly object[];
  readonly imageTestsEnabled?: boolean;
}

export const ROLE = 'image-builder';

let names = 0;

export interface WholeServiceOptions {
  /** Of API and engine; default: the system's. */
  readonly clock?: Clock;
  /** What the engine is given beyond the bench's own. */
  readonly engine?: Partial<Engine>;
}

export async function openWholeService({
  clock = { now: () => new Date() },
  engine: ports = {},
}: WholeServiceOptions = {}): Promise<WholeService> {
  const bench = await openBench();
  const { checkpoints } = ports;
  const service = testService(
    bench.store,
    {},
    {},
    {
      ...{ clock, managedWorkflows: await managedWorkflows('us-east-1') },
      ...(checkpoints === undefined
        ? {}
        : { checkpoints: { hasForRetry: (image, keys) => hasCheckpointForRetry(checkpoints, image, keys) } }),
    },
  );
  const { call } = service;
  const engine = { ...bench.engine, clock, ...ports };

  const definitions: WholeService['definitions'] = async ({ components = [], infrastructure = {} } = {}) => {
    const id = `d${++names}`;
    const arns = await Promise.all(
      components.map(async (phases, index) => {
        const { componentBuildVersionArn = '' } = await call.CreateComponent({
          ...{ name: `${id}-${index}`, semanticVersion: '1.0.0', platform: 'Linux', ...token() },
          data: `schemaVersion: 1.0\nname: ${id}\nphases:\n${phases}`,
        });
        return componentBuildVersionArn;
      }),
    );
    const { imageRecipeArn = '' } = await call.CreateImageRecipe({
      ...{ name: id, semanticVersion: '1.0.0', parentImage: DEBIAN_ARN, workingDirectory: bench.folder, ...token() },
      components: arns.map((componentArn) => ({ componentArn })),
    });
    const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
      ...{ name: id, instanceProfileName: 'profile', ...infrastructure, ...token() },
    });
    return { imageRecipeArn, infrastructureConfigurationArn };
  };

  return {
    bench,
    call,
    definitions,
    workflow: async (name, type, body) => {
      const data = `schemaVersion: 1.0\n${body}`;
      const input = { name, semanticVersion: '1.0.0', type, data, ...token() };
      return (await call.CreateWorkflow(input)).workflowBuildVersionArn ?? '';
    },
    image: async (workflows, options = {}) => {
      const parts = await definitions(options);
      const configuration =
        options.distributions === undefined
          ? undefined
          : await call.CreateDistributionConfiguration({
              ...{ name: `d${++names}`, distributions: options.distributions as never, ...token() },
            });
      const { imageBuildVersionArn = '' } = await call.CreateImage({
        ...{ ...parts, ...token() },
        ...(options.imageTestsEnabled === undefined
          ? {}
          : { imageTestsConfiguration: { imageTestsEnabled: options.imageTestsEnabled } }),
        ...(workflows.length === 0 ? {} : { workflows: workflows as never, executionRole: ROLE }),
        ...(configuration === undefined
          ? {}
          : { distributionConfigurationArn: configuration.distributionConfigurationArn }),
      });
      return imageBuildVersionArn;
    },
    work: (imageArn) => runBuild(engine, imageArn, new AbortController().signal),
    workAnew: (imageArn) =>
      runBuild(
        { ...engine, buildHost: bench.successor().host, workerId: 'worker-2' },
        imageArn,
        new AbortController().signal,
      ),
    steps: bench.steps,
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** The ARN of a managed workflow, any version. */
export function managed(type: 'build' | 'test' | 'distribution', name: string): string {
  return `arn:aws:imagebuilder:us-east-1:aws:workflow/${type}/${name}/x.x.x`;
}

export { ARN_PREFIX, token };
