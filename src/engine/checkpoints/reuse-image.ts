import { randomUUID } from 'node:crypto';
import type { MachineImage } from '../../image-store/image-store.ts';
import { findImage } from '../../state/find-resource.ts';
import { copyImagePackages } from '../../state/transitions/copy-image-packages.ts';
import { recordReusedWorkflow } from '../../state/transitions/record-reused-workflow.ts';
import { amiIdOf } from '../ami-id.ts';
import type { PlannedWorkflow } from '../build-plan.ts';
import type { BuildRun } from '../build-run.ts';
import { executionRecords } from '../execution-records.ts';
import { bootedAtOf, type ComponentRecord, readComponentRecords, testedAtOf } from './component-record.ts';
import { firstStale } from './find-checkpoint.ts';

/**
 * Takes the disk of an image that was built from the very same things, when there is one that is fresh: then nothing has to
 * be built, and when it passed the very same tests nothing has to be tested. The workflows of the image are recorded as done
 * with it. False when there is none.
 */
export async function reuseImage(run: BuildRun, signal: AbortSignal): Promise<boolean> {
  const { engine, plan, cache, claim, progress, monitorFor } = run;
  const key = cache?.imageKey;
  if (cache === undefined || key === undefined || !cache.mayReuse) return false;
  const found = await findSame(run, key, signal);
  if (found === undefined) return false;
  const { original, records, testedAt } = found;
  const monitor = monitorFor();
  const build = plan.workflows.find(({ document }) => document.type === 'BUILD');
  const capture = build?.document.steps.findIndex(({ action }) => action === 'CreateImage') ?? -1;
  if (build === undefined || capture === -1) return false;

  const ids = build.document.steps.map(() => `step-${randomUUID()}`);
  const amiId = amiIdOf(ids[capture] ?? '', claim.epoch);
  progress.outputAmiId = amiId;
  progress.reused = records;
  const { name, description, tags } = plan.output;
  const ami = {
    ...{ of: original.amiId, amiId, name, tags, source: plan.imageArn },
    ...(description === undefined ? {} : { description }),
    made: {
      key,
      facts: { ...original.made?.facts, image: plan.imageArn, testedAt },
      ...(cache.testKey === undefined ? {} : { testKey: cache.testKey }),
    },
  };
  await engine.imageStore.reuse(ami, { signal, monitor });
  const why = `Reused: ${original.source} was built from the same things`;
  monitor.line('kiln', `${why}; ${amiId} has the disk of ${original.amiId}`);
  for (const record of records)
    monitor.line('kiln', `${record.name} is reused: it ran at ${record.ranAt} for ${record.image}`);
  await copyImagePackages(engine.db, claim, original.source);
  const executors = records.map(({ component, executor, ranAt, image }) => ({
    ...{ component, executor, reused: { ranAt, image } },
  }));
  const results = new Map(
    build.document.steps.map(({ action }, index): [string, Readonly<Record<string, unknown>> | undefined] => [
      ids[index] ?? '',
      action === 'CreateImage'
        ? { imageId: amiId }
        : action === 'ExecuteComponents'
          ? { status: 'Success', executors: JSON.stringify(executors) }
          : undefined,
    ]),
  );
  await recordReusedWorkflow(engine.db, claim, {
    ...executionOf(build, plan.workflows.indexOf(build), ids, why, engine.clock.now()),
    results: new Map([...results].flatMap(([id, outputs]) => (outputs === undefined ? [] : [[id, outputs] as const]))),
  });
  if (testedAt === undefined) return true;
  const message = `Reused: ${original.source} passed the same tests with the same disk`;
  monitor.line('kiln', message);
  for (const [position, workflow] of plan.workflows.entries()) {
    if (workflow.document.type !== 'TEST') continue;
    const steps = workflow.document.steps.map(() => `step-${randomUUID()}`);
    const execution = executionOf(workflow, position, steps, message, engine.clock.now());
    await recordReusedWorkflow(engine.db, claim, execution);
  }
  return true;
}

interface SameImage {
  readonly original: MachineImage;
  readonly records: readonly ComponentRecord[];
  /** When it, or the one whose tests it took over, passed the same tests; undefined when that does not count any more. */
  readonly testedAt: string | undefined;
}

async function findSame(run: BuildRun, key: string, signal: AbortSignal): Promise<SameImage | undefined> {
  const { engine, plan, cache, monitorFor } = run;
  if (cache === undefined) return undefined;
  const search = { ...cache, now: engine.clock.now(), signal };
  const same = (await engine.imageStore.list()).filter(
    ({ made, parentAmiId }) => made?.key === key && parentAmiId === plan.parent.amiId,
  );
  for (const original of same.toReversed()) {
    const records = readComponentRecords(original.made?.facts ?? {});
    if (records?.length !== cache.components.length) continue;
    const stale = await firstStale(search, records, bootedAtOf(original.made?.facts ?? {}));
    if (stale !== undefined) {
      monitorFor().line(
        'kiln',
        `${original.source} was built from the same things, but ${stale.component} runs again: ${stale.why}`,
      );
      continue;
    }
    const whole = await engine.imageStore.bootDisk(original.amiId).catch((error: Error) => {
      monitorFor().line('kiln', `${original.source} was built from the same things, but: ${error.message}`);
      return undefined;
    });
    if (whole !== undefined) return { original, records, testedAt: await passedTests(run, original, signal) };
  }
  return undefined;
}

async function passedTests(
  { engine, cache }: BuildRun,
  { source, made }: MachineImage,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (cache?.testKey === undefined || made?.testKey !== cache.testKey) return undefined;
  const image = await findImage(engine.db, source);
  if (image?.status !== 'AVAILABLE' || image.ended_at === null) return undefined;
  // With onFailure CONTINUE an image becomes AVAILABLE whose tests have failed.
  const tests = (await executionRecords(engine.db, source)).filter(({ type, retried }) => type === 'TEST' && !retried);
  if (tests.some(({ status }) => status !== 'COMPLETED')) return undefined;
  const ranAt = testedAtOf(made.facts) ?? image.ended_at.toISOString();
  const records = cache.tests.map(
    ({ document, name }): ComponentRecord => ({
      ...{ component: document.id, name, executor: 'vm', seconds: 0, ranAt, image: image.arn },
    }),
  );
  const components = cache.tests.map((component) => ({ ...component, key: undefined, machineKey: undefined }));
  // The test instance did what user data says too.
  const stale = await firstStale({ ...cache, components, now: engine.clock.now(), signal }, records, ranAt);
  return stale === undefined ? ranAt : undefined;
}

function executionOf(
  { arn, document, parallelGroup }: PlannedWorkflow,
  position: number,
  ids: readonly string[],
  message: string,
  at: Date,
) {
  return {
    id: `wf-${randomUUID()}`,
    workflowArn: arn,
    type: document.type,
    position,
    ...(parallelGroup === undefined ? {} : { parallelGroup }),
    steps: document.steps.map((step, index) => ({
      id: ids[index] ?? '',
      name: step.name,
      description: step.description,
      action: step.action,
      inputs: step.inputs,
      onFailure: step.onFailure,
      timeoutSeconds: step.timeoutSeconds,
      maxAttempts: step.maxAttempts,
    })),
    message,
    at,
  };
}
