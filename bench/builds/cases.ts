import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figures } from './goals.ts';
import { type BenchKiln, type KilnBuild, startKiln, stepSeconds } from './kiln.ts';
import { machineCheckpoints } from './machine-checkpoints.ts';
import { isInstalled, measure, median } from './measure.ts';
import { PEERS, type Peer } from './peers.ts';
import { type BenchComponent, recipeA, recipeB, recipeOf } from './recipes.ts';

export interface BenchPlace {
  /** For this run alone. */
  readonly folder: string;
  /** An image store with the base image. */
  readonly store: string;
  /** The disk of the base image. */
  readonly base: string;
}

/** What is measured together, because one figure needs what another has made. A case takes minutes. */
export interface BenchCase {
  readonly name: string;
  /** Undefined: it cannot be run here, for that is not installed. */
  readonly missing?: () => Promise<string | undefined>;
  readonly run: (place: BenchPlace, note: (figures: Figures) => void) => Promise<void>;
}

const KILN_CASES: readonly BenchCase[] = [
  {
    name: 'A auto',
    run: withKiln(async (kiln, { folder, store, base }, note) => {
      const a = { name: 'a', executor: 'auto' } as const;
      // Not measured: what the others find warm in the package mirror is warm for this one too.
      await kiln.build({ ...a, name: 'warm', components: recipeA('zero'), cold: true });
      const first = await kiln.build({ ...a, components: recipeA('one'), cold: true });
      note({ 'A cold auto': first.seconds, ...named('capture', stepSeconds(first, 'CreateOutputAMI')) });
      const { version } = first;
      note({ 'A unchanged': (await kiln.build({ ...a, components: recipeA('one'), version })).seconds });
      note({ 'A page auto': (await kiln.build({ ...a, components: recipeA('two') })).seconds });
      const plans: number[] = [];
      for (let round = 0; round < 3; round++)
        plans.push((await kiln.run(['plan', join(folder, 'a.yaml'), '--executor', 'auto'])).seconds);
      // Node compiles the code of a command when it runs for the first time in a checkout.
      note({ 'first plan': plans[0] ?? Number.NaN, plan: median(plans) });
      const raw = join(folder, 'base.raw');
      await measure('qemu-img', ['convert', '-O', 'raw', base, raw], LIMIT);
      const [parent = ''] = (await readdir(join(store, 'amis'))).map((name) => name.replace(/\.json$/, ''));
      note({ export: (await kiln.run(['export', parent, join(folder, 'export.qcow2')])).seconds });
      const plain = ['convert', '-c', '-O', 'qcow2', raw, join(folder, 'plain.qcow2')];
      note({ 'qemu-img': (await measure('qemu-img', plain, LIMIT)).seconds });
      const image = /ami-[0-9a-f]{17}/.exec(first.output)?.[0] ?? '';
      note({ 'export on a packed base': (await kiln.run(['export', image, join(folder, 'child.qcow2')])).seconds });
    }),
  },
  {
    name: 'A auto tested',
    run: withKiln(async (kiln, _, note) => {
      const options = { name: 'at', executor: 'auto', tested: true, cold: true } as const;
      note({ 'A cold auto tested': (await kiln.build({ ...options, components: recipeA('one') })).seconds });
    }),
  },
  { name: 'A vm', run: coldAndPage('A', 'vm', recipeA) },
  {
    name: 'known parent',
    run: withKiln(async (kiln, _, note) => {
      // The machine that the first build boots is kept; the second has nothing else in common with it.
      await kiln.build({ name: 'first', executor: 'vm', components: recipeOf(1, 'first') });
      note({
        'A new on a known parent vm': (await kiln.build({ name: 'a', executor: 'vm', components: recipeA('one') }))
          .seconds,
      });
    }),
  },
  { name: 'B auto', run: coldAndPage('B', 'auto', recipeB) },
  {
    name: 'growth',
    run: withKiln(async (kiln, { folder }, note) => {
      for (const count of [1, 5, 20]) {
        const of = (last: string, cold: boolean): KilnBuild => ({
          ...{ name: `grow${count}`, components: recipeOf(count, last), executor: 'auto', cold },
        });
        note({ [`growth ${count} cold`]: (await kiln.build(of('one', true))).seconds });
        note({ [`growth ${count} cached`]: (await kiln.build(of('two', false))).seconds });
        const { output } = await kiln.run(['cache', 'stats', '--json']);
        const { checkpoints } = JSON.parse(output.slice(output.indexOf('{'))) as { readonly checkpoints: number };
        // What images lie on too is counted: without checkpoints it would be in the images themselves.
        note({ [`layers after growth ${count} MiB`]: (await layerBytes(folder)) / 2 ** 20 });
        note({ [`checkpoints after growth ${count} count`]: checkpoints });
      }
    }),
  },
  {
    name: 'machine',
    run: ({ base, folder }, note) => machineCheckpoints(base, join(folder, 'machine'), note),
  },
];

const LIMIT = { limitSeconds: 600 };

export const CASES: readonly BenchCase[] = [...KILN_CASES, ...PEERS.flatMap(casesOf)];

/** The others build from zero each time; that a rebuild takes as long is seen once. */
function casesOf(peer: Peer): readonly BenchCase[] {
  const missing = async (): Promise<string | undefined> =>
    (await isInstalled(peer.program)) ? undefined : `${peer.name} (Debian package ${peer.package})`;
  const once =
    (name: string, components: readonly BenchComponent[]): BenchCase['run'] =>
    async ({ base, folder }, note) => {
      const work = join(folder, peer.name);
      try {
        note({ [name]: (await peer.build(base, components, work)).seconds });
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    };
  return [
    { name: `A ${peer.name}`, missing, run: once(`A ${peer.name}`, recipeA('one')) },
    { name: `A ${peer.name} again`, missing, run: once(`A ${peer.name} again`, recipeA('two')) },
    { name: `B ${peer.name}`, missing, run: once(`B ${peer.name}`, recipeB('one')) },
  ];
}

function coldAndPage(
  letter: string,
  executor: KilnBuild['executor'],
  recipe: (text: string) => readonly BenchComponent[],
): BenchCase['run'] {
  return withKiln(async (kiln, _, note) => {
    const name = `${letter.toLowerCase()}${executor}`;
    const cold = await kiln.build({ name, executor, components: recipe('one'), cold: true });
    note({ [`${letter} cold ${executor}`]: cold.seconds });
    // Of a machine: with the rest that it is brought to before.
    if (executor === 'vm') note(named('capture of a machine', stepSeconds(cold, 'CreateOutputAMI')));
    const page = await kiln.build({ name, executor, components: recipe('two') });
    note({ [`${letter} page ${executor}`]: page.seconds });
  });
}

/** A service with a home of its own, which goes afterwards. */
function withKiln(
  run: (kiln: BenchKiln, place: BenchPlace, note: (figures: Figures) => void) => Promise<void>,
): BenchCase['run'] {
  return async (place, note) => {
    await using kiln = await startKiln(place.folder, place.store);
    await run(kiln, place, note);
  };
}

async function layerBytes(folder: string): Promise<number> {
  const disks = join(folder, 'home/images/disks');
  const layers = (await readdir(disks)).filter((name) => name.startsWith('layer-') && name.endsWith('.qcow2'));
  const blocks = await Promise.all(layers.map(async (name) => (await stat(join(disks, name))).blocks));
  return blocks.reduce((sum, count) => sum + count * 512, 0);
}

function named(name: string, value: number | undefined): Figures {
  return value === undefined ? {} : { [name]: value };
}
