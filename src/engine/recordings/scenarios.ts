import { insertResource } from '../../state/test-rows.ts';
import { answerStep } from '../../state/transitions/answer-step.ts';
import { retryImage } from '../../state/transitions/retry-image.ts';
import { BuilderFault } from '../../util/faults.ts';
import { runBuild } from '../run-build.ts';
import { ACCOUNT, type BenchImage, type BuildBench, script } from '../simulated/build-bench.ts';

/** A build of which somebody else goes on with what is on record. */
export interface Scenario {
  /** Left out: two components, on a machine. */
  readonly image?: (bench: BuildBench) => Promise<BenchImage>;
  /** Brings the image, which is there and PENDING, to where it is to be recorded. */
  readonly run: (bench: BuildBench, imageArn: string) => Promise<void>;
}

const never = new AbortController().signal;
const onMachines = { tags: JSON.stringify({ 'kiln:executor': 'vm' }) };

/** Runs a build until its process is killed where `hold` is called: it says nothing any more. */
function killedAt(place: (bench: BuildBench, hold: () => Promise<void>) => void): Scenario['run'] {
  return async (bench, imageArn) => {
    const reached = Promise.withResolvers<void>();
    place(bench, () => {
      reached.resolve();
      return new Promise(() => {});
    });
    void runBuild(bench.engine, imageArn, never);
    await reached.promise;
    clearFaults(bench);
  };
}

function clearFaults({ host, images }: BuildBench): void {
  for (const fault of ['launch', 'command', 'terminate'] as const) delete host.faults[fault];
  delete images.faults.capture;
}

const isParent = (disk: string): boolean => disk.includes('ami-00000000000000001');

async function workflow({ store }: BuildBench, name: string, steps: string): Promise<string> {
  return insertResource(store.db, {
    ...{ arn: `arn:aws:imagebuilder:us-east-1:${ACCOUNT}:workflow/test/${name}/1.0.0/1`, kind: 'workflow' },
    ...{ slug: `test/${name}`, major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' },
    document: JSON.stringify({ type: 'TEST', data: `schemaVersion: 1.0\nsteps:\n${steps}` }),
  });
}

const LAUNCH = '  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }\n';
const END = '  - { name: End, action: TerminateInstance, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }\n';
const GATE = '  - { name: Gate, action: WaitForAction, timeoutSeconds: 3600 }\n';
const BUILD = { workflowArn: 'arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/1.0.0/1' };

async function tested(bench: BuildBench, tests: Readonly<Record<string, string>>): Promise<BenchImage> {
  const own = await Promise.all(
    Object.entries(tests).map(async ([name, steps]) => ({
      ...{ workflowArn: await workflow(bench, name, steps), parallelGroup: 'all' },
    })),
  );
  return { row: { ...onMachines, workflows: JSON.stringify([BUILD, ...own]) } };
}

const gated = (bench: BuildBench): Promise<BenchImage> => tested(bench, { gated: `${LAUNCH}${GATE}${END}` });

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  LaunchBuildInstance: {
    run: killedAt((bench, hold) => {
      bench.host.faults.launch = hold;
    }),
  },
  ApplyBuildComponents: {
    run: killedAt((bench, hold) => {
      bench.host.faults.command = (_, { stdin }) =>
        String(stdin ?? '').includes('second') ? hold() : Promise.resolve();
    }),
  },
  CreateOutputAMI: {
    run: killedAt((bench, hold) => {
      bench.images.faults.capture = hold;
    }),
  },
  TerminateBuildInstance: {
    run: killedAt((bench, hold) => {
      bench.host.faults.terminate = hold;
    }),
  },
  LaunchTestInstance: {
    run: killedAt((bench, hold) => {
      bench.host.faults.launch = ({ parentDisk }) => (isParent(parentDisk.path) ? Promise.resolve() : hold());
    }),
  },
  Parked: { image: gated, run: (bench, arn) => runBuild(bench.engine, arn, never) },
  ParkedAndAnswered: {
    image: gated,
    run: async (bench, imageArn) => {
      await runBuild(bench.engine, imageArn, never);
      await answerAll(bench, imageArn);
    },
  },
  ParallelGroup: {
    image: (bench) => tested(bench, { one: `${LAUNCH}${END}`, other: `${LAUNCH}${END}`, gate: GATE }),
    run: killedAt((bench, hold) => {
      // The build instance and that of the first test end; of one test it is not known any more.
      let ended = 0;
      bench.host.faults.terminate = () => (++ended <= 2 ? Promise.resolve() : untilOver(bench, 2).then(hold));
    }),
  },
  Retried: {
    run: async (bench, imageArn) => {
      bench.host.faults.launch = ({ parentDisk }) =>
        isParent(parentDisk.path) ? Promise.resolve() : Promise.reject(new BuilderFault('There is no memory'));
      await runBuild(bench.engine, imageArn, never);
      clearFaults(bench);
      const { db, jobs } = bench.store;
      await retryImage(db, { imageArn, jobs, at: bench.engine.clock.now() });
    },
  },
  Rollback: {
    image: async () => ({ components: [script({ build: 'exit 3' })], row: onMachines }),
    run: killedAt((bench, hold) => {
      bench.host.faults.terminate = hold;
    }),
  },
};

/** Until so many workflows are COMPLETED. */
async function untilOver({ store }: BuildBench, wanted: number): Promise<void> {
  const completed = store.db.selectFrom('workflow_executions').select('id').where('status', '=', 'COMPLETED');
  while ((await completed.execute()).length < wanted) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Says RESUME to whatever waits. Gives how much did. */
export async function answerAll({ store, engine }: BuildBench, imageArn: string): Promise<number> {
  const waiting = store.db.selectFrom('waiting_steps').select('step_execution_id').where('action', 'is', null);
  const ids = (await waiting.where('image_arn', '=', imageArn).execute()).map((row) => row.step_execution_id);
  const answer = { imageArn, action: 'RESUME', reason: 'fine', at: engine.clock.now() } as const;
  for (const stepExecutionId of ids) await answerStep(store.db, { stepExecutionId, ...answer }, store.jobs);
  return ids.length;
}

export function defaultImage(): BenchImage {
  const components = [script({ build: 'echo first' }), script({ build: 'echo second', test: 'echo tested' })];
  return { components, componentTags: { 'kiln:repeatable': 'all' }, row: onMachines };
}

/** Somebody goes on until the image has ended; what waits is told to go on when nothing else happens. */
export async function goOn(bench: BuildBench, engine: BuildBench['engine'], imageArn: string): Promise<number> {
  await bench.store.jobs.enqueue(bench.store.db, imageArn);
  for (let answers = 0; ; ) {
    await runBuild(engine, imageArn, never);
    if ((await bench.row(imageArn)).ended_at !== null) return answers;
    const answered = await answerAll(bench, imageArn);
    if (answered === 0) throw new Error(`${imageArn} has not ended, and waits for nothing`);
    answers += answered;
  }
}
