/**
 * Builds beside those of Packer, virt-customize and mkosi: same disk, same commands, no KVM, one after the other in one run.
 *
 *     npm run bench -- [--only WORD]... [--out FOLDER]
 *
 * Peers that are not installed are left out and named. The report is written as Markdown and JSON. Run it on an idle
 * machine; it takes about half an hour. `--only A` takes the cases whose name begins so.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareBaseImage } from '../test/base-image.ts';
import { type Figures, goalTable } from './builds/goals.ts';
import { startKiln, stepSeconds } from './builds/kiln.ts';
import { measure } from './builds/measure.ts';
import { installedPeers, PEERS } from './builds/peers.ts';
import { recipeA, recipeB, recipeOf } from './builds/recipes.ts';

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, out: { type: 'string' } } });
const wanted = (name: string): boolean =>
  values.only === undefined || values.only.some((word) => name.startsWith(word));
const out = resolve(values.out ?? 'bench/results');
const folder = await mkdtemp(join(tmpdir(), 'kiln-bench-'));
const figures: Record<string, number> = {};
const failures: Record<string, string> = {};

async function measured(name: string, run: () => Promise<number | undefined>): Promise<void> {
  if (!wanted(name)) return;
  try {
    const seconds = await run();
    if (seconds !== undefined) figures[name] = seconds;
    process.stderr.write(`${name.padEnd(24)} ${seconds?.toFixed(2) ?? 'no figure'}\n`);
  } catch (error) {
    failures[name] = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${name.padEnd(24)} failed: ${failures[name]}\n`);
  }
}

try {
  const given = process.env['KILN_BENCH_STORE'];
  const store = given ?? join(folder, 'store');
  const { KILN_TEST_BASE: base } = await prepareBaseImage(store, new AbortController().signal);
  {
    await using kiln = await startKiln(folder, store);
    const build = async (options: Parameters<typeof kiln.build>[0]) => kiln.build(options);
    let first: Awaited<ReturnType<typeof build>> | undefined;

    await measured('A cold auto', async () => {
      first = await build({ name: 'a', components: recipeA('one'), executor: 'auto', cold: true });
      return first.seconds;
    });
    if (first !== undefined) {
      const { version } = first;
      const capture = stepSeconds(first, 'CreateOutputAMI');
      await measured('capture', async () => capture);
      await measured('A unchanged', async () => {
        return (await build({ name: 'a', components: recipeA('one'), executor: 'auto', version })).seconds;
      });
      await measured(
        'plan',
        async () => (await kiln.run(['plan', join(folder, 'a.yaml'), '--executor', 'auto'])).seconds,
      );
    }
    await measured(
      'A page auto',
      async () => (await build({ name: 'a', components: recipeA('two'), executor: 'auto' })).seconds,
    );
    await measured('A cold auto tested', async () => {
      return (await build({ name: 'at', components: recipeA('one'), executor: 'auto', cold: true, tested: true }))
        .seconds;
    });
    await measured(
      'A cold vm',
      async () => (await build({ name: 'av', components: recipeA('one'), executor: 'vm', cold: true })).seconds,
    );
    await measured(
      'A page vm',
      async () => (await build({ name: 'av', components: recipeA('two'), executor: 'vm' })).seconds,
    );
    await measured(
      'B cold auto',
      async () => (await build({ name: 'b', components: recipeB('one'), executor: 'auto', cold: true })).seconds,
    );
    await measured(
      'B page auto',
      async () => (await build({ name: 'b', components: recipeB('two'), executor: 'auto' })).seconds,
    );
    for (const count of [1, 5, 20]) {
      const name = `grow${count}`;
      const of = (last: string, cold: boolean) =>
        build({ name, components: recipeOf(count, last), executor: 'auto', cold });
      await measured(`growth ${count} cold`, async () => (await of('one', true)).seconds);
      await measured(`growth ${count} cached`, async () => (await of('two', false)).seconds);
    }
    await measured('growth cache MiB', async () => {
      const { output } = await kiln.run(['cache', 'stats', '--json']);
      return (JSON.parse(output.slice(output.indexOf('{'))) as { bytes: number }).bytes / 2 ** 20;
    });
    if (first !== undefined && (wanted('export') || wanted('qemu-img'))) {
      const raw = join(folder, 'a.raw');
      await measure('qemu-img', ['convert', '-O', 'raw', first.file, raw], { limitSeconds: 600 });
      const image = /ami-[0-9a-f]{17}/.exec(first.output)?.[0] ?? '';
      await measured('export', async () => (await kiln.run(['export', image, join(folder, 'export.qcow2')])).seconds);
      await measured('qemu-img', async () => {
        return (
          await measure('qemu-img', ['convert', '-c', '-O', 'qcow2', raw, join(folder, 'plain.qcow2')], {
            limitSeconds: 600,
          })
        ).seconds;
      });
    }
  }
  const peers = await installedPeers();
  for (const peer of peers) {
    const work = join(folder, peer.name);
    await measured(`A ${peer.name}`, async () => (await peer.build(base, recipeA('one'), work)).seconds);
    await measured(`A ${peer.name} again`, async () => (await peer.build(base, recipeA('two'), work)).seconds);
    await measured(`B ${peer.name}`, async () => (await peer.build(base, recipeB('one'), work)).seconds);
    await rm(work, { recursive: true, force: true });
  }
  const missing = PEERS.filter((peer) => !peers.includes(peer));
  await report(
    figures,
    missing.map((peer) => `${peer.name} (Debian package ${peer.package})`),
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function report(seen: Figures, missing: readonly string[]): Promise<void> {
  const [cpu] = cpus();
  const machine = {
    processor: cpu?.model ?? '',
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    qemu: (await measure('qemu-system-x86_64', ['--version'], { limitSeconds: 10 })).output.split('\n')[0] ?? '',
    accelerator: 'tcg',
    at: new Date().toISOString(),
  };
  const text = [
    '# Builds beside other tools',
    '',
    Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
    '',
    goalTable(seen, `${machine.cpus} CPUs`),
    ...(missing.length === 0 ? [] : ['', `Not installed, and so left out: ${missing.join(', ')}.`]),
    ...Object.entries(failures).map(([name, why]) => `\n${name} failed:\n\n    ${why.replaceAll('\n', '\n    ')}`),
    '',
    'mkosi makes Debian anew instead of starting from the disk.',
    '',
  ].join('\n');
  await writeFile(`${out}.md`, text);
  await writeFile(`${out}.json`, `${JSON.stringify({ machine, figures: seen, failures, missing }, null, 2)}\n`);
  process.stdout.write(text);
}
