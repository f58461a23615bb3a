import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { GetImageCommand } from '@aws-sdk/client-imagebuilder';
import type { Executor, Instance } from '../build-host/build-host.ts';
import type { ComponentExecutor } from '../engine/steps/run-components.ts';
import { BuilderFault } from '../util/faults.ts';
import { quoteForShell } from '../util/shell-quote.ts';
import { type Command, type CommandContext, UsageError } from './command.ts';
import { connect } from './connect.ts';
import { sanitise } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { type LaunchedWith, launchedAmi, launchedWith } from './launched-instance.ts';
import { openBuildHost, openDisks } from './open-disks.ts';
import type { Ask } from './planned-build.ts';
import { readBuildSteps } from './read-build-steps.ts';
import { type LackingComponents, readLacking, runAgain } from './run-again.ts';
import { callOperation } from './service-client.ts';

/** As a build has it: what user data does is waited for. */
const LAUNCH_SECONDS = 3600;

export const shell: Command = {
  usage: 'ARN [--before-step COMPONENT] [--executor HOW] [-- COMMAND]',
  summary: 'Opens a shell in the state of a build before a component, on a throw-away copy.',
  description:
    'Without --before-step it is the component that failed. The state is entered where that component ran: on the mounted\n' +
    'disk, or on a machine that boots it. Afterwards correct the component; kiln build --resume goes on from there.',
  positionals: { min: 1, max: 2 },
  options: {
    'before-step': { type: 'string', value: 'COMPONENT', help: 'the state before this component' },
    executor: { type: 'string', value: 'HOW', help: 'direct or vm; default: as the component ran' },
  },

  async run(args, context) {
    const [arn = '', command] = args.positionals;
    const executor = readExecutor(args.text('executor'));
    const state = await findState(arn, args.text('before-step'), context);
    return (await enterState(state, executor ?? state.executor, command, context)) === 0 ? EXIT.done : EXIT.failed;
  },
};

function readExecutor(text: string | undefined): 'direct' | 'vm' | undefined {
  if (text === undefined || text === 'direct' || text === 'vm') return text;
  throw new UsageError(`--executor takes direct or vm, not '${text}'`);
}

/** A state of a build: a checkpoint, or the parent image that it began with. */
interface BuildState {
  readonly executor: 'direct' | 'vm';
  readonly before: string;
  readonly place: { readonly key: string } | { readonly amiId: string };
  readonly launchedWith: LaunchedWith;
  /** What ran between the checkpoint and this state, too quickly to be kept: it is run again on the copy. */
  readonly lacks?: LackingComponents | undefined;
}

async function findState(
  arn: string,
  wanted: string | undefined,
  { config, signal }: CommandContext,
): Promise<BuildState> {
  await using connection = await connect(config, signal, { builds: false });
  const { client, address } = connection;
  const { image } = await client.send(new GetImageCommand({ imageBuildVersionArn: arn }), { abortSignal: signal });
  const steps = await readBuildSteps(client, arn, signal);
  const place = steps.findIndex(({ action, outputs }) => action === 'ExecuteComponents' && 'executors' in outputs);
  const step = steps[place];
  if (step === undefined || image === undefined) {
    throw new UsageError(`no component ran for ${arn}: there is no state before one (kiln show ${arn})`);
  }
  const executors = JSON.parse(String(step.outputs['executors'])) as readonly ComponentExecutor[];
  const names = executors.map(({ component }) => component.split(':component/')[1]?.split('/')[0] ?? component);
  const failed = executors.findIndex((one) => one.failed === true);
  const index = wanted === undefined ? (failed === -1 ? executors.length - 1 : failed) : names.indexOf(wanted);
  const component = executors[index];
  if (component === undefined) {
    throw new UsageError(`the build has no component '${wanted}'; its components are ${names.join(', ')}`);
  }
  const { executor } = component;
  const launch = steps.slice(0, place).findLast(({ action }) => action === 'LaunchInstance');
  const common = { executor, before: names[index] ?? '', launchedWith: launchedWith(image, launch) };
  if (index === 0) {
    const { imageStore } = await openDisks(config);
    const ask: Ask = (operation, input) => callOperation(address, operation, input, signal);
    return { ...common, place: { amiId: await launchedAmi(image, launch, imageStore, ask) } };
  }
  // What a component failed on may be a machine that its predecessor's disk was booted to.
  const stateBefore = index === failed ? step.outputs['stateBefore'] : undefined;
  const key = stateBefore ?? executors[index - 1]?.key;
  if (typeof key !== 'string') {
    throw new BuilderFault(
      `The state before ${common.before} was not kept: what ran before it makes something else each time, or was soon done.`,
      {
        hint: 'Enter the state before an earlier component: kiln show has their names.',
      },
    );
  }
  const lacks = stateBefore === undefined ? undefined : step.outputs['stateLacks'];
  return {
    ...common,
    place: { key },
    lacks: typeof lacks === 'string' ? await readLacking(lacks, image, client, signal) : undefined,
  };
}

async function enterState(
  { place, before, launchedWith: launched, lacks }: BuildState,
  executor: Executor,
  command: string | undefined,
  context: CommandContext,
): Promise<number> {
  const { config, io, signal } = context;
  await using stack = new AsyncDisposableStack();
  const { imageStore, checkpoints } = await openDisks(config);
  let path: string;
  let resumeFrom: string | undefined;
  if ('amiId' in place) ({ path } = await imageStore.bootDisk(place.amiId));
  else {
    if ((await checkpoints.get(place.key)) === undefined) {
      throw new BuilderFault(
        `The state before ${before} is not there: it was made too quickly to be kept, or the cache had no room for it.`,
        {
          hint: 'Build again; kiln cache ls lists what is there.',
        },
      );
    }
    const opened = await checkpoints.open(place.key, signal);
    stack.defer(() => opened.release());
    path = opened.path;
    resumeFrom = opened.state;
    if (resumeFrom !== undefined && executor !== 'vm') {
      throw new UsageError(
        `the state before ${before} is that of a machine that runs: it is entered with --executor vm`,
      );
    }
  }
  const buildHost = stack.use(openBuildHost(config));
  const instanceId = `i-${randomBytes(9).toString('hex').slice(0, 17)}`;
  stack.defer(() => buildHost.terminate(instanceId));
  const monitor = {
    line: (source: string, text: string): void => {
      if (source !== 'console') io.stderr.write(`${sanitise(text)}\n`);
    },
  };
  const instance = await buildHost.launch(
    {
      ...{ ...launched, instanceId, executor, owner: `kiln shell ${instanceId}` },
      parentDisk: { path, format: 'qcow2' },
      timeoutSeconds: LAUNCH_SECONDS,
      ...(resumeFrom === undefined ? {} : { resumeFrom }),
    },
    { signal, monitor },
  );
  if (lacks !== undefined) await runAgain(lacks, instance, context, monitor);
  io.stderr.write(`the state before ${before}; nothing that is done here stays\n`);
  return await enter(instance, command);
}

/** A session on this terminal. The command is the user's own; the entry is the build host's, quoted for a shell. */
async function enter({ enterCommand, unbooted }: Instance, command: string | undefined): Promise<number> {
  const login =
    unbooted === undefined ? [] : ['sh', '-c', 'cd; if [ -x /bin/bash ]; then exec bash -l; fi; exec sh -l'];
  const words = command === undefined ? login : ['sh', '-c', command];
  // ssh joins its words by spaces; a shell of the guest reads them.
  const quoted = words.map(quoteForShell);
  const line = unbooted === undefined && quoted.length > 0 ? [quoteForShell(quoted.join(' '))] : quoted;
  const child = spawn('/bin/sh', ['-c', `exec ${[enterCommand, ...line].join(' ')}`], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 255;
}
