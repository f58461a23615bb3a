import { after, afterEach } from 'node:test';
import { insertResource } from '../../state/test-rows.ts';
import type { Engine } from '../engine.ts';
import { runBuild } from '../run-build.ts';
import { type BenchImage, type BuildBench, openBench } from './build-bench.ts';

/** Machines, which outlive their worker; a mounted disk does not. */
export const ON_MACHINES = { row: { tags: JSON.stringify({ 'kiln:executor': 'vm' }) } };

/** A build workflow: an instance, what is done with it ($.stepOutputs.Launch.instanceId), and its AMI. */
export function buildWorkflow(steps: string): string {
  return `schemaVersion: 1.0
steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
${steps}  - name: Create
    action: CreateImage
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
`;
}

/** Builds of a bench whose workers are lost, and what becomes of them. */
export interface StoppedBuilds {
  /**
   * A build that stops where `hold` is called, as a killed process does: nothing more comes from it. `revive` lets it go
   * on, as a process does that was only frozen.
   *
   * @param engine Default: that of the bench.
   * @param stop Aborted when its worker is to end.
   */
  stopped(
    options: BenchImage,
    place: (hold: () => Promise<void>) => void,
    engine?: Engine,
    stop?: AbortSignal,
  ): Promise<{ arn: string; revive: () => Promise<void> }>;
  /** What a worker does with a build whose worker was lost. Default: a new one. */
  goOn(arn: string, engine?: Engine): Promise<void>;
  /** How much is there of a build. */
  left(arn: string): Promise<{ instances: number; amis: number }>;
  /** Gives the ARN of a workflow with this document. */
  insertWorkflow(type: 'BUILD' | 'DISTRIBUTION', name: string, data: string): Promise<string>;
  clearFaults(): void;
  /** None is left stopped: it would watch its claim for ever. It finds that lost, and changes nothing. */
  reviveAll(): Promise<void>;
}

/** A bench for the tests of a file, and its stopped builds; goes with them, and no test leaves a build stopped. */
export async function benchWithStoppedBuilds(): Promise<{
  readonly bench: BuildBench;
  readonly builds: StoppedBuilds;
}> {
  const bench = await openBench();
  const builds = stoppedBuilds(bench);
  after(() => bench[Symbol.asyncDispose]());
  afterEach(() => builds.reviveAll());
  return { bench, builds };
}

export function stoppedBuilds(bench: BuildBench): StoppedBuilds {
  const { store, host, images } = bench;
  const never = new AbortController().signal;
  const revivals: (() => Promise<void>)[] = [];
  const clearFaults = (): void => {
    for (const name of ['launch', 'command', 'terminate'] as const) delete host.faults[name];
    for (const name of ['capture', 'captured', 'reuse', 'reused', 'describe'] as const) delete images.faults[name];
  };
  return {
    stopped: async (options, place, engine = bench.engine, stop = never) => {
      const reached = Promise.withResolvers<void>();
      const revived = Promise.withResolvers<void>();
      place(async () => {
        reached.resolve();
        await revived.promise;
      });
      const arn = await bench.image({ ...ON_MACHINES, ...options });
      const build = runBuild(engine, arn, stop);
      await Promise.race([reached.promise, build]);
      clearFaults();
      const revive = async (): Promise<void> => {
        revived.resolve();
        await build;
      };
      revivals.push(revive);
      return { arn, revive };
    },
    goOn: async (arn, engine = bench.successor().engine) => {
      await store.jobs.enqueue(store.db, arn);
      await runBuild(engine, arn, never);
    },
    left: async (arn) => {
      const instances = (await host.list()).filter(({ owner }) => owner === arn).length;
      return { instances, amis: [...images.images.values()].filter(({ source }) => source === arn).length };
    },
    insertWorkflow: (type, name, data) => {
      const slug = `${type.toLowerCase()}/${name}`;
      return insertResource(store.db, {
        arn: `arn:aws:imagebuilder:us-east-1:123456789012:workflow/${slug}/1.0.0/1`,
        ...{ kind: 'workflow', slug, major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' },
        document: JSON.stringify({ data, type }),
      });
    },
    clearFaults,
    reviveAll: async () => {
      await Promise.all(revivals.splice(0).map((revive) => revive()));
    },
  };
}
