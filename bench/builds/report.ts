import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { type Figures, goalTable } from './goals.ts';
import { measure } from './measure.ts';

/** What one case gave. */
export interface CaseResult {
  /** ISO 8601. */
  readonly at: string;
  /** Of the machine over the last minute, before the case began. */
  readonly load: number;
  readonly figures: Figures;
  readonly failure?: string;
}

type Machine = Readonly<Record<string, string | number>>;

interface Report {
  readonly machine: Machine;
  readonly cases: Readonly<Record<string, CaseResult>>;
  /** Under what circumstances, for readers. */
  readonly note?: string;
}

export async function machineFacts(): Promise<Machine> {
  const version = async (program: string): Promise<string> => {
    const asked = await measure(program, ['--version'], { limitSeconds: 30 }).catch(() => undefined);
    return asked?.output.split('\n')[0] ?? 'not installed';
  };
  const [cpu] = cpus();
  return {
    processor: cpu?.model ?? '',
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    qemu: await version('qemu-system-x86_64'),
    packer: await version('packer'),
    'virt-customize': await version('virt-customize'),
    mkosi: await version('mkosi'),
    accelerator: 'tcg',
  };
}

export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** Adds a result to a report, which is begun anew on another machine: figures of two machines do not belong side by side. */
export async function addResult(
  file: string,
  machine: Machine,
  [name, result]: readonly [string, CaseResult],
  note?: string,
): Promise<Report> {
  const before = await readReport(`${file}.json`);
  const isSame = JSON.stringify(before?.machine) === JSON.stringify(machine);
  const said = note ?? (isSame ? before?.note : undefined);
  const cases = { ...(isSame ? before?.cases : {}), [name]: result };
  const report = { machine, ...(said === undefined ? {} : { note: said }), cases };
  await writeFile(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(`${file}.md`, asMarkdown(report));
  return report;
}

async function readReport(file: string): Promise<Report | undefined> {
  return readFile(file, 'utf8').then(
    (text) => JSON.parse(text),
    () => undefined,
  );
}

export function asMarkdown({ machine, note, cases }: Report): string {
  const entries = Object.entries(cases);
  const figures: Figures = Object.assign({}, ...entries.map(([, { figures: of }]) => of));
  const facts = Object.entries(machine).map(([name, value]) => `| ${name} | ${value} |`);
  const runs = entries.map(([name, { at, load }]) => `| ${name} | ${at.slice(0, 16).replace('T', ' ')} | ${load} |`);
  const failures = entries.flatMap(([name, { failure }]) =>
    failure === undefined ? [] : [`\n${name} failed:\n\n${briefly(failure).join('\n')}`],
  );
  return [
    ...['# Builds beside other tools', ''],
    ...['What is measured how: [README.md](README.md). mkosi makes Debian anew instead of starting from the disk.', ''],
    ...(note === undefined ? [] : [note, '']),
    ...[goalTable(figures, `${machine['cpus']} CPUs`), ''],
    ...['| Machine | |', '|---|---|', ...facts, ''],
    ...['| Case | Run at (UTC) | Load before |', '|---|---|---|', ...runs],
    ...failures,
    '',
  ].join('\n');
}

/** What failed and the end of what it said; the whole of it is in the report for programs. */
function briefly(failure: string): readonly string[] {
  const [what = '', ...said] = failure.trimEnd().split('\n');
  return [what, ...said.slice(-3)].map((line) => `    ${line.trimEnd()}`);
}
