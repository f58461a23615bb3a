/**
 * Builds beside those of Packer, virt-customize and mkosi: same disk, same commands, no KVM.
 *
 *     npm run bench -- [--case NAME]... [--list] [--out FILE] [--note TEXT]
 *
 * Without `--case` all are run, one after the other; that takes about an hour on an idle machine. Each result is added to the
 * report as soon as it is there (`bench/results.md`, `.json`), so that cases can be run one at a time. Peers that are not
 * installed are left out and named. `--note` says in the report under what circumstances it was made.
 * `KILN_BENCH_STORE` names an image store that has the base image already.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareBaseImage } from '../test/base-image.ts';
import { type BenchCase, CASES } from './builds/cases.ts';
import type { Figures } from './builds/goals.ts';
import { addResult, asMarkdown, loadNow, machineFacts } from './builds/report.ts';

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
    note: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') },
  },
});
const out = resolve(values.out);
if (values.list) {
  for (const { name } of CASES) process.stdout.write(`${name}\n`);
} else {
  const chosen = values.case?.map(caseNamed) ?? CASES;
  const machine = await machineFacts();
  for (const one of chosen) await run(one, machine);
}

function caseNamed(name: string): BenchCase {
  const found = CASES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no case '${name}'; --list names them.`);
  return found;
}

async function run({ name, missing, run: measure }: BenchCase, machine: Awaited<ReturnType<typeof machineFacts>>) {
  const lacking = await missing?.();
  if (lacking !== undefined) {
    process.stderr.write(`${name}: left out, ${lacking} is not installed\n`);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'kiln-bench-'));
  const figures: Record<string, number> = {};
  const note = (some: Figures): void => {
    for (const [what, value] of Object.entries(some)) {
      figures[what] = Math.round(value * 1000) / 1000;
      process.stderr.write(`${what.padEnd(28)} ${value.toFixed(2)}\n`);
    }
  };
  let failure: string | undefined;
  try {
    const store = process.env['KILN_BENCH_STORE'] ?? join(folder, 'store');
    const { KILN_TEST_BASE: base } = await prepareBaseImage(store, new AbortController().signal);
    const load = loadNow();
    await measure({ folder, store, base }, note).catch((error: Error) => {
      failure = error.message;
      process.stderr.write(`${name} failed: ${failure}\n`);
    });
    const result = { at: new Date().toISOString(), load, figures, ...(failure === undefined ? {} : { failure }) };
    const report = await addResult(out, machine, [name, result], values.note);
    process.stdout.write(asMarkdown(report));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
