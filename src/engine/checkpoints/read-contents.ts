import { parseArn } from '../../contract/arn.ts';
import type { RunnableDocument } from '../../toe/run-documents.types.ts';
import type { PlannedWorkflow } from '../build-plan.ts';
import type { BuildGround } from './build-ground.ts';
import {
  BUILD_PHASES,
  bootKey,
  type ComponentContent,
  componentKeys,
  imageKey,
  type KeyedComponent,
  TEST_PHASES,
  testKey,
} from './build-keys.ts';
import type { CacheHint } from './cache-hint.ts';
import { componentInputs, type InputSources } from './component-inputs.ts';

export interface ContentRequest extends InputSources {
  readonly ground: BuildGround;
  /** All of the recipe. */
  readonly components: readonly RunnableDocument[];
  /** What authors of components say, by the ids of the documents. */
  readonly hints: ReadonlyMap<string, CacheHint>;
  readonly workflows: readonly PlannedWorkflow[];
}

/** What decides what a build makes, by content. */
export interface BuildContents {
  /** Those with something to build, in the order of the recipe. */
  readonly components: readonly KeyedComponent[];
  /** Those with something to test. */
  readonly tests: readonly ComponentContent[];
  /** Of a machine that has booted, and on which nothing was done; undefined where one cannot be gone on with. */
  readonly bootKey: string | undefined;
  /** Whether a machine does what user data says when it boots. */
  readonly hasUserData: boolean;
  /** Of the finished disk; undefined when it is another one each time. */
  readonly imageKey: string | undefined;
  /** Of what the image is tested with. */
  readonly testKey: string | undefined;
}

export async function readContents(request: ContentRequest): Promise<BuildContents> {
  const { ground, hints, workflows } = request;
  const contents = (phases: readonly string[]): Promise<readonly ComponentContent[]> =>
    Promise.all(
      request.components
        .filter(({ document }) => document.phases.some(({ name }) => phases.includes(name)))
        .map(async (document) => ({
          document,
          name: document.document.name || (parseArn(document.id)?.slug ?? document.id),
          inputs: await componentInputs(document, phases, request),
          hint: hints.get(document.id),
        })),
    );
  const [building, tests] = await Promise.all([contents(BUILD_PHASES), contents(TEST_PHASES)]);
  const components = componentKeys(ground, building, BUILD_PHASES);
  const build = workflows.find(({ document }) => document.type === 'BUILD');
  const testing = workflows.filter(({ document }) => document.type === 'TEST');
  return {
    components,
    tests,
    // A machine that goes on has its further volumes no more.
    bootKey: ground.extraVolumes.length > 0 ? undefined : bootKey(ground),
    hasUserData: ground.userData !== undefined,
    imageKey: build === undefined ? undefined : await imageKey(ground, components, build),
    testKey: testKey(tests, testing),
  };
}
