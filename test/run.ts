/**
 * Runs every test and then looks for what they left behind; either makes the run fail.
 *
 *   node test/run.ts              all tests
 *   node test/run.ts PATTERN...   files whose path contains one of the patterns
 *
 * Files named `*.vm.test.ts` boot virtual machines: they run after the others, on a base image that is
 * made for this run alone (`KILN_TEST_STORE`, an image store; `KILN_TEST_BASE`, the disk in it), some of them with what one
 * build on a machine has left (`KILN_TEST_COLD_STORE`). Homes begin with what is known of this host (`KILN_TEST_CACHE`).
 */
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { freemem, homedir, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { prepareTestCluster } from '../src/state/test-cluster.ts';
import { allEnded } from '../src/util/all-ended.ts';
import { prepareBaseImage } from './base-image.ts';
import { prepareColdBuild } from './cold-build.ts';
import { prepareHostCache } from './host-cache.ts';
import { entriesBelow, MARKER, markedProcesses, newTraces, takeTraces } from './leaks.ts';

/** For all tests together. */
const MOST_MINUTES = 45;
/** For one test: several times what the slowest takes when the machine does other work as well. */
const TEST_MINUTES = 10;
const SLOWEST_SHOWN = 12;
/** A file system in memory, and what it must have free to be used for tests without machines. */
const MEMORY_FOLDER = '/dev/shm';
const MEMORY_BYTES = 4 * 1024 ** 3;

const checkout = resolve(import.meta.dirname, '..');
const patterns = process.argv.slice(2);
const files = globSync('{src,test}/**/*.test.ts', { cwd: checkout })
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .sort();
// The longest begin first, so that the run does not end with one of them alone.
const longest = ['machines', 'killed', 'qemu-host'].map((name) => `/${name}.vm.test.ts`);
const isLong = (file: string): boolean => longest.some((end) => file.endsWith(end));
const machineFiles = [
  ...longest.flatMap((end) => files.filter((file) => file.endsWith(end))),
  ...files.filter((file) => file.endsWith('.vm.test.ts') && !isLong(file)),
];
/** They go on from what the cold build has kept. */
const afterColdBuild = ['machines', 'checkpoint'].map((name) => `/${name}.vm.test.ts`);
const plainFiles = files.filter((file) => !file.endsWith('.vm.test.ts'));

// On a machine of a continuous integration everything that appears is ours; elsewhere other programs make files too.
const ours = process.env['CI'] === 'true' ? /./ : /kiln|qemu|mmdebstrap|postgres|pgsql/i;
const folders = [tmpdir(), MEMORY_FOLDER, homedir(), join(homedir(), '.local/share')];
const places = { checkout, folders, ours };
const ownFolder = mkdtempSync(join(tmpdir(), 'kiln-test-'));
// For thousands of small files that come and go: on disk they take a good part of the processors' time.
const quickFolder = mkdtempSync(join(hasMemory() ? MEMORY_FOLDER : tmpdir(), 'kiln-test-quick-'));
// Functions run as users of their own, who have to get to their folders.
for (const folder of [ownFolder, quickFolder]) chmodSync(folder, 0o711);
const before = takeTraces(places);
const marker = `${process.pid}-${Date.now()}`;
const workFolder = join(ownFolder, 'tmp');
const homeFolder = join(ownFolder, 'home');
const quickWorkFolder = join(quickFolder, 'tmp');
for (const folder of [workFolder, homeFolder, quickWorkFolder]) mkdirSync(folder);
Object.assign(process.env, { [MARKER]: marker, TMPDIR: quickWorkFolder, HOME: homeFolder });
delete process.env['KILN_HOME'];
delete process.env['DATABASE_URL'];

const counts = { passed: 0, failed: 0, skipped: 0 };
const slowest: { readonly file: string; readonly seconds: number }[] = [];
const interrupted = new AbortController();
// A test that hangs must end as a failure that names it, well before whoever called us gives up.
const limit = setTimeout(
  () => interrupted.abort(new Error(`no end after ${MOST_MINUTES} minutes`)),
  MOST_MINUTES * 60_000,
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));
}

let leaks: readonly string[] = [];
try {
  if (files.length > 1) {
    Object.assign(process.env, await prepareTestCluster(join(quickFolder, 'cluster'), interrupted.signal));
  }
  const disks = machineFiles.length === 0 ? undefined : prepareDisks(interrupted.signal);
  // A rejection is reported when the machine tests need the disks; until then it must not end the process.
  disks?.catch(() => {});
  // They wait for disks, processes and clocks: two at a time leave a fifth of two processors idle.
  await runFiles(plainFiles, 3);
  if (disks !== undefined) {
    await disks;
    // Disks of machines are large.
    process.env['TMPDIR'] = workFolder;
    // A guest without KVM keeps a processor busy.
    await runFiles(machineFiles, 2);
  }
} finally {
  clearTimeout(limit);
  leaks = [
    ...markedProcesses(marker).map(({ pid, command }) => `process left behind: ${pid} ${command}`),
    ...[workFolder, quickWorkFolder].flatMap(entriesBelow).map((path) => `file left behind: ${path}`),
    ...entriesBelow(homeFolder).map((path) => `file left behind in the home folder: ${path}`),
    ...newTraces(before, takeTraces(places)),
  ];
  for (const { pid } of markedProcesses(marker)) process.kill(pid, 'SIGKILL');
  for (const folder of [ownFolder, quickFolder]) rmSync(folder, { recursive: true, force: true });
}

for (const leak of leaks.slice(0, 50)) console.log(`LEAK ${leak}`);
for (const { file, seconds } of slowest.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN)) {
  console.log(`${seconds.toFixed(1).padStart(7)} s  ${file}`);
}
if (leaks.length > 0) console.log(`The tests left ${leaks.length} things behind.`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
if (counts.failed > 0 || leaks.length > 0 || counts.passed === 0 || interrupted.signal.aborted) process.exitCode = 1;

/** Makes what tests with machines begin with, and names it in the environment. */
async function prepareDisks(signal: AbortSignal): Promise<void> {
  const host = prepareHostCache(join(ownFolder, 'cache'), signal);
  Object.assign(process.env, ...(await allEnded([prepareBaseImage(join(ownFolder, 'store'), signal), host])));
  if (machineFiles.some((file) => afterColdBuild.some((end) => file.endsWith(end))))
    Object.assign(process.env, await prepareColdBuild(join(ownFolder, 'cold'), signal));
}

async function runFiles(paths: readonly string[], concurrency: number): Promise<void> {
  if (paths.length === 0) return;
  const stream = run({
    files: paths.map((path) => join(checkout, path)),
    concurrency,
    timeout: TEST_MINUTES * 60_000,
    signal: interrupted.signal,
    // Each file is a process of its own; what they print is shown as it comes.
    isolation: 'process',
    execArgv: ['--import', join(import.meta.dirname, 'end-of-file.ts')],
  });
  stream.on('test:pass', (event) => {
    if (event.details.type === 'suite') return;
    if (event.skip !== undefined || event.todo !== undefined) {
      counts.skipped++;
      if (event.skip === true || event.skip === '') {
        counts.failed++;
        console.log(`SKIPPED WITHOUT A REASON ${event.name}`);
      }
    } else counts.passed++;
  });
  stream.on('test:fail', () => {
    counts.failed++;
  });
  stream.on('test:summary', ({ file, duration_ms }) => {
    if (file !== undefined) slowest.push({ file: relative(checkout, file), seconds: duration_ms / 1000 });
  });
  const report = stream.compose(spec());
  for await (const chunk of report) process.stdout.write(chunk);
}

function hasMemory(): boolean {
  if (!existsSync(MEMORY_FOLDER)) return false;
  const stats = statfsSync(MEMORY_FOLDER);
  return stats.bavail * stats.bsize >= MEMORY_BYTES && freemem() >= MEMORY_BYTES;
}
