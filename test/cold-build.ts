/** One build of this test run on a machine that boots; what it keeps is there for all tests that need no boot of their own. */
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bash, templateOf } from './builds/template.ts';
import { makeKilnHome } from './kiln-home.ts';

export interface ColdBuildEnvironment {
  /** An image store with all that the build has left; else it is that of `KILN_TEST_STORE`. */
  readonly KILN_TEST_COLD_STORE: string;
  /** The machine image that was built. */
  readonly KILN_TEST_COLD_AMI: string;
  /** The state of the machine that had booted the base image, `….machine`; its disk is beside it, `….qcow2`. */
  readonly KILN_TEST_MACHINE: string;
}

/** Of all homes that go on from it: what a component is depends on the account, too. */
export const COLD_ACCOUNT = { KILN_ACCOUNT_ID: '123456789012' };

/** As of a slow machine, whose cloud-init is still at work when the components are not any more. */
const works = 'for n in $(seq 40); do echo $n >/var/lib/cloud/late; sleep 0.1; done';
const late = `systemd-run --quiet --no-block --unit=cloud-late --service-type=oneshot sh -c '${works}'`;
/** Jobs of a boot that were not over when the machine was kept would be in the file. */
const jobs = "systemctl list-jobs --no-legend 'cloud-*' >> /root/slow";

/** The components. The first one works long enough that the machine after it is kept. */
export const COLD_RECIPE = {
  slow: bash('Slow', [`${jobs}; sleep 3; echo slow >> /root/slow`]),
  two: bash('Two', ['echo two >> /root/written', late]),
};

/**
 * A boot takes an emulated processor a minute and a half.
 *
 * @param folder Where to make the store; whoever asked removes it. The store of the base image is on the same file system.
 */
export async function prepareColdBuild(folder: string, signal: AbortSignal): Promise<ColdBuildEnvironment> {
  await using home = await makeKilnHome({ withBaseImages: true, below: join(folder, '..') });
  const template = join(home.work, 'cold.json');
  const components = Object.fromEntries(Object.entries(COLD_RECIPE).map(([name, step]) => [name, [step]]));
  const image = { ImageTestsConfiguration: { ImageTestsEnabled: false } };
  writeFileSync(template, templateOf({ name: 'cold', components, image }));
  const build = home.start(['build', template, '--executor', 'vm'], COLD_ACCOUNT);
  const end = (): void => void build.child.kill('SIGTERM');
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  const code = await build.ended;
  signal.removeEventListener('abort', end);
  const output = [...build.stdout, ...build.stderr].join('\n');
  const [, amiId] = /^AMI +(ami-[0-9a-f]{17})/m.exec(output) ?? [];
  if (code !== 0 || amiId === undefined || !/booting i-/.test(output) || /resuming i-/.test(output))
    throw new Error(`The cold build for the tests failed:\n${output.slice(-4000)}`);
  renameSync(join(home.path, 'images'), folder);
  return { KILN_TEST_COLD_STORE: folder, KILN_TEST_COLD_AMI: amiId, KILN_TEST_MACHINE: bootedMachine(folder) };
}

/** Of the machines that the build has kept, the one on which no component has run. */
function bootedMachine(store: string): string {
  const folder = join(store, 'checkpoints');
  const records = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  const kept = records.find(({ hasMachine, facts }) => hasMachine === true && facts.components.length === 0);
  if (kept === undefined) throw new Error(`No machine is kept after the boot:\n${JSON.stringify(records)}`);
  return join(store, 'disks', `${kept.layers.at(-1).name}.machine`);
}
