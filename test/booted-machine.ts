/** A machine that has booted this run's base image, as `kiln build` keeps it for later builds. */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bash, templateOf } from './builds/template.ts';
import { makeKilnHome } from './kiln-home.ts';

export interface BootedMachineEnvironment {
  /** An image store in whose cache the machine is; all else in there is that of `KILN_TEST_STORE`. */
  readonly KILN_TEST_BOOTED_STORE: string;
  /** The state of the machine, `….machine`; its disk is beside it, `….qcow2`. */
  readonly KILN_TEST_MACHINE: string;
}

/**
 * Tests that need a machine that has booted, whatever its boot was like, share this one: a boot takes an emulated processor a
 * minute and a half. It is made by a build, which is what keeps such machines.
 *
 * @param folder Where to make the store; whoever asked removes it. The store of the base image is on the same file system.
 */
export async function prepareBootedMachine(folder: string, signal: AbortSignal): Promise<BootedMachineEnvironment> {
  await using home = makeKilnHome({ withBaseImages: true, below: join(folder, '..') });
  const template = join(home.work, 'booted.json');
  const image = { ImageTestsConfiguration: { ImageTestsEnabled: false } };
  writeFileSync(template, templateOf({ name: 'booted', components: { booted: [bash('Write', ['true'])] }, image }));
  const build = home.start(['build', template, '--executor', 'vm']);
  const end = (): void => void build.child.kill('SIGTERM');
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  const code = await build.ended;
  signal.removeEventListener('abort', end);
  const output = [...build.stdout, ...build.stderr].join('\n');
  const [arn] = /arn:aws:imagebuilder:[^ ]*:image\/booted\/1\.0\.0\/1/.exec(output) ?? [];
  if (code !== 0 || arn === undefined || !/booting i-[\s\S]*Checkpoint of the running machine after/.test(output))
    throw new Error(`No machine could be booted for the tests:\n${output.slice(-4000)}`);
  const removal = home.start(['rm', arn]);
  if ((await removal.ended) !== 0) throw new Error(`The image cannot be removed:\n${removal.stderr.join('\n')}`);
  renameSync(join(home.path, 'images'), folder);
  const disks = join(folder, 'disks');
  const [machine = ''] = readdirSync(disks).filter((name) => name.endsWith('.machine'));
  return { KILN_TEST_BOOTED_STORE: folder, KILN_TEST_MACHINE: join(disks, machine) };
}
