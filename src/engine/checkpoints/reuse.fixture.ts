import assert from 'node:assert/strict';
import { after, beforeEach } from 'node:test';
import type { Clock } from '../../util/clock.ts';
import { BuildFailure } from '../../util/faults.ts';
import type { Engine } from '../engine.ts';
import { runBuild } from '../run-build.ts';
import { type BenchImage, openBench, script } from '../simulated/build-bench.ts';
import { type SimulatedCheckpoints, simulatedCheckpoints } from '../simulated/simulated-checkpoints.ts';
import type { WebAnswer } from './web-request.ts';

/** What builds find around them; a test begins with none of it changed, but for the time that has passed. */
interface World {
  checkpoints: SimulatedCheckpoints;
  hoursAhead: number;
  secondsAhead: number;
  served: Record<string, WebAnswer>;
  /** Parameter Store. */
  stored: Record<string, string>;
  hostCpu: string;
  /** What the last build noted of how long things took. */
  noted: ReadonlyMap<string, number>;
}

/** A bench for the builds of a test file, one after the other, in a world where nothing takes time but what says so. */
export async function openReuse() {
  const bench = await openBench();
  const world: World = {
    checkpoints: simulatedCheckpoints(bench.folder),
    hoursAhead: 0,
    secondsAhead: 0,
    served: {},
    stored: {},
    hostCpu: 'one',
    noted: new Map(),
  };
  after(() => bench[Symbol.asyncDispose]());
  beforeEach(() => {
    Object.assign(world, { checkpoints: simulatedCheckpoints(bench.folder), hoursAhead: 0, served: {}, stored: {} });
    delete bench.host.faults.answer;
    bench.host.faults.command = async (_, { argv, stdin }) => {
      world.secondsAhead += Number(/takes ([0-9.]+) s/.exec(`${argv.join(' ')} ${stdin}`)?.[1] ?? 0);
    };
  });

  const begin = Date.now();
  /** What pays does not depend on how busy the machine is. */
  const clock: Clock = {
    now: () => new Date(begin + world.hoursAhead * 3_600_000 + world.secondsAhead * 1_000),
  };
  const slowBoot = async ({ resumeFrom }: { readonly resumeFrom?: string } = {}): Promise<void> => {
    if (resumeFrom === undefined) world.secondsAhead += 40;
  };

  async function build(options: BenchImage, executor = 'direct'): Promise<string> {
    const tags = { 'kiln:executor': executor, ...(options.row?.tags as object | undefined) };
    const arn = await bench.image({ ...options, row: { ...options.row, tags: JSON.stringify(tags) } });
    const machineFor = (types: readonly string[]): string => types.find((type) => type !== 'unknown') ?? '';
    const { checkpoints, hostCpu } = world;
    const engine: Engine = {
      ...{ ...bench.engine, clock, checkpoints, machineFacts: { hostCpu, machineFor } },
      webRequest: async (url) => world.served[url],
      services: {
        parameters: async (name) => {
          const value = world.stored[name];
          if (value === undefined) throw new BuildFailure(`There is no parameter ${name}`);
          return { value, secret: false };
        },
      },
      durations: {
        all: async () => ({}),
        add: async (seconds) => {
          world.noted = seconds;
        },
      },
    };
    await runBuild(engine, arn, new AbortController().signal);
    const { status, reason } = await bench.row(arn);
    assert.equal(status, 'AVAILABLE', reason ?? '');
    return arn;
  }
  /** What {@link note} has noted, in order. */
  const ran = async (arn: string): Promise<readonly string[]> =>
    (await bench.log(arn)).filter((line) => line.startsWith('ran ')).map((line) => line.slice(4));

  return { bench, world, clock, slowBoot, build, ran };
}

/** Notes that it ran, and on what; it takes what makes a checkpoint of a disk pay. */
export const note = (name: string, extra = ''): string =>
  script({
    build: `${extra}\n: takes 0.3 s; cat $HOME/disk/log 2>/dev/null || true; echo ${name} >> $HOME/disk/log; echo ran ${name}`,
  });
export const A = note('a');
export const B = note('b');
export const off = { image_tests_configuration: JSON.stringify({ imageTestsEnabled: false, timeoutMinutes: 60 }) };
