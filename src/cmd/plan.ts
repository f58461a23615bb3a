import { buildGround, launchedTypesOf } from '../engine/checkpoints/build-ground.ts';
import { durationsIn } from '../engine/checkpoints/durations.ts';
import { type Forecast, forecast } from '../engine/checkpoints/forecast.ts';
import { readContents } from '../engine/checkpoints/read-contents.ts';
import { resourceStates } from '../engine/checkpoints/resource-states.ts';
import { simpleBuildOf } from '../engine/checkpoints/simple-build.ts';
import { webRequest } from '../engine/checkpoints/web-request.ts';
import { executorOf } from '../engine/executor-tag.ts';
import { DEFAULT_WORKING_DIRECTORY, volumesOf } from '../engine/recipe-parts.ts';
import { whyMachine } from '../engine/steps/choose-executor.ts';
import { openImageRecords } from '../image-store/files/records.ts';
import { configureServices } from '../toe/services/configure.ts';
import { BUILD_TAG_OPTIONS, readBuildTags } from './build-tags.ts';
import { chooseBuild } from './choose-build.ts';
import type { Command, Io } from './command.ts';
import { ensureCredentials } from './credentials.ts';
import { renderTable } from './display/table.ts';
import { formatSeconds, sanitise } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { machineFacts } from './machine-facts.ts';
import { openCheckpoints } from './open-checkpoints.ts';
import { type Ask, buildHint, parentAmi, plannedBuild } from './planned-build.ts';
import { readPlan, TEMPLATE_OPTIONS } from './template-plans.ts';

export const plan: Command = {
  usage: 'TEMPLATE [--image LOGICAL_ID] [-p KEY=VALUE] [--executor HOW] [--json]',
  summary: 'Says what kiln build would do: what is reused, what runs, what is downloaded, how long it takes.',
  description: 'Nothing is created. What a template names without having it is asked for at the service of this home.',
  positionals: { min: 1, max: 1 },
  options: {
    image: { type: 'string', value: 'LOGICAL_ID', help: 'which image, when the template has several' },
    ...TEMPLATE_OPTIONS,
    ...BUILD_TAG_OPTIONS,
    json: { type: 'boolean', help: 'as JSON' },
  },

  async run(args, { config, io, signal }) {
    await using stack = new AsyncDisposableStack();
    const asked = readBuildTags(args);
    const template = await readPlan(args, config, { buildsImages: false, signal });
    const choice = chooseBuild(template, args.text('image'));
    const credentials = await ensureCredentials(config.home);
    const accountId = config.accountId ?? credentials.accountId;
    const region = config.region ?? credentials.region;
    const ask: Ask = async (operation, input) => {
      // Most templates have everything, and a service takes seconds to start.
      const [{ connect }, { callOperation }] = await Promise.all([
        import('./connect.ts'),
        import('./service-client.ts'),
      ]);
      connecting ??= connect(config, signal, { builds: false }).then((connection) => stack.use(connection));
      return callOperation((await connecting).address, operation, input, signal);
    };
    let connecting: ReturnType<typeof import('./connect.ts').connect> | undefined;
    const build = await plannedBuild(template, choice, { accountId, region }, ask);
    const imageStore = await openImageRecords(config.home.images);
    const parentImage = build.recipe.parentImage ?? '';
    const amiId = await parentAmi(parentImage, imageStore, ask);
    const parent = amiId === undefined ? undefined : await imageStore.get(amiId);

    const infrastructureTags = build.infrastructure.tags ?? {};
    const tags = { ...build.tags, ...asked };
    const { workflows } = build;
    const executor = executorOf(
      tags,
      infrastructureTags,
      workflows.map(({ arn }) => arn),
    );
    const services = configureServices(config.environment, config.home.path, region);
    const states = resourceStates(webRequest(), services.objects);
    const userData = build.recipe.additionalInstanceConfiguration?.userDataOverride;
    const planned = {
      ...{ executor, platform: 'Linux' as const, instanceTypes: build.infrastructure.instanceTypes ?? [] },
      ...volumesOf(build.recipe.blockDeviceMappings ?? []),
      workingDirectory: build.recipe.workingDirectory ?? DEFAULT_WORKING_DIRECTORY,
    };
    const usual = simpleBuildOf(workflows);
    const launchedTypes = usual === undefined ? undefined : launchedTypesOf(usual);
    const ground = buildGround(planned, {
      ...{ parentDigest: parent?.digest ?? '', userData, accountId, region },
      ...{ machineFacts: machineFacts(config), ...(launchedTypes === undefined ? {} : { launchedTypes }) },
    });
    const now = new Date();
    const contents = await readContents({
      ...{ ground, components: build.components, hints: build.hints, states, signal },
      workflows,
      environment: { IMAGE_PIPELINE_ARN: build.pipelineArn, IMAGE_VERSION: build.recipe.version ?? '' },
      services,
      today: now.toISOString().slice(0, 10),
    });
    const expected = await forecast({
      ...{ contents, executor, workflows, parent, imageStore, states, now, signal },
      checkpoints: await openCheckpoints(config),
      ofBuild: buildHint(tags, infrastructureTags),
      durations: await durationsIn(config.home.durations).all(),
      isMachine:
        executor === 'vm' ||
        (executor === 'auto' && (await whyMachine(amiId ?? '', build, { imageStore })) !== undefined),
    });
    const resolved = new Map([
      ...build.resolved,
      ...(parent === undefined || parentImage === parent.amiId ? [] : [[parentImage, parent.amiId] as const]),
    ]);
    const shown = {
      executor,
      parentImage,
      parentAmi: parent?.amiId,
      resolved: Object.fromEntries(resolved),
      ...expected,
    };
    if (args.flag('json')) io.stdout.write(`${JSON.stringify(shown)}\n`);
    else print(shown, io);
    return EXIT.done;
  },
};

interface Shown extends Forecast {
  readonly executor: string;
  readonly parentImage: string;
  readonly parentAmi: string | undefined;
  readonly resolved: Readonly<Record<string, string>>;
}

function print({ executor, parentImage, parentAmi: ami, resolved, ...expected }: Shown, io: Io): void {
  const line = (name: string, text: string): void => void io.stdout.write(`${name.padEnd(10)} ${sanitise(text)}\n`);
  line('executor', executor);
  line('parent', ami === undefined ? `${parentImage} has to be made first` : parentImage);
  for (const [from, to] of Object.entries(resolved)) line('resolves', `${from} is ${to}`);
  if (expected.sameImage !== undefined) line('reuses', `the whole disk of ${expected.sameImage}`);
  line(
    'predicted',
    expected.seconds === undefined ? `not known: ${notKnown(expected)}` : formatSeconds(expected.seconds),
  );
  const rows = expected.components.map(({ name, key, reused, why, downloads, seconds }) => [
    name,
    reused === undefined ? `runs: ${why}` : `reused: ran ${reused.ranAt} for ${reused.image.split(':image/')[1] ?? ''}`,
    seconds === undefined ? '?' : formatSeconds(seconds),
    reused === undefined ? downloads.join(' ') : '',
    key?.slice(0, 12) ?? '',
  ]);
  if (rows.length > 0) io.stdout.write(`\n${renderTable(['COMPONENT', 'WHAT', 'TIME', 'DOWNLOADS', 'KEY'], rows)}`);
}

function notKnown({ unknown }: Forecast): string {
  const [first, second, ...rest] = unknown;
  const more = rest.length === 0 ? '' : ` and ${rest.length} more`;
  return `${[first, second].filter((text) => text !== undefined).join(', ')}${more} never ran here`;
}
