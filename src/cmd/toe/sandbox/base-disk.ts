import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findRootPartition } from '../../../build-host/direct/root-partition.ts';
import { CATALOG_SOURCE_PREFIX, type MachineImage } from '../../../image-store/image-store.ts';
import { BuilderFault } from '../../../util/faults.ts';
import { lockFile } from '../../../util/file-lock.ts';
import { run } from '../../../util/spawn.ts';
import { type CommandContext, UsageError } from '../../command.ts';
import type { SandboxBase } from './sandbox.ts';

/** The base of a sandbox that is this machine itself. */
const HOST = 'host';
const DEFAULT_BASE = 'debian-server-12-x86';

/**
 * What `--base` names: a catalogue image, which is made on first use, an AMI of the image store, or `host`. A disk is
 * unpacked once into the cache of the home, by its digest, so that a sandbox can be mounted at once.
 */
export async function findBase(name: string | undefined, context: CommandContext): Promise<SandboxBase> {
  if (name === HOST) return { kind: 'folder', path: '/' };
  const { openDisks } = await import('../../open-disks.ts');
  const { imageStore, catalog } = await openDisks(context.config);
  const { signal } = context;
  const wanted = name ?? DEFAULT_BASE;
  const monitor = { line: (_: string, text: string) => void context.io.stderr.write(`kiln: ${text}\n`) };
  const find = async (): Promise<MachineImage | undefined> => {
    if (wanted.startsWith('ami-')) return imageStore.get(wanted);
    const made = (await imageStore.list()).find(({ source }) => source === `${CATALOG_SOURCE_PREFIX}${wanted}`);
    if (made !== undefined || catalog.resolve(wanted) === undefined) return made;
    context.io.stderr.write(`kiln: making the base image ${wanted}, once\n`);
    return catalog.provide(wanted, { signal, monitor });
  };
  const image = await find();
  if (image === undefined) {
    const known = (await catalog.list()).map((entry) => entry.name);
    throw new UsageError(`there is no base ${wanted}; there are ${[HOST, ...known].join(', ')} and AMIs of this home`);
  }
  if (image.platform !== 'Linux') throw new UsageError(`${wanted} is a ${image.platform} image; a sandbox needs Linux`);
  const file = join(context.config.home.path, 'cache', 'sandbox', `${image.digest}.raw`);
  await unpack(file, async () => (await imageStore.bootDisk(image.amiId)).path, context);
  return { kind: 'disk', file, ...(await rootExtent(file, wanted)) };
}

async function unpack(
  file: string,
  disk: () => Promise<string>,
  { io, signal, config }: CommandContext,
): Promise<void> {
  const folder = join(config.home.path, 'cache', 'sandbox');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const isThere = async (): Promise<boolean> => {
    const handle = await open(file, 'r').catch(() => undefined);
    await handle?.close();
    return handle !== undefined;
  };
  if (await isThere()) return;
  await using _lock = await lockFile(join(folder, 'lock'), signal);
  if (await isThere()) return;
  for (const name of await readdir(folder)) if (name.endsWith('.partial')) await rm(join(folder, name));
  io.stderr.write('kiln: unpacking the base image for sandboxes, once\n');
  const partial = `${file}.partial`;
  const result = await run('qemu-img', ['convert', '-O', 'raw', '-W', '-m', '4', await disk(), partial], { signal });
  if (result.code !== 0) {
    await rm(partial, { force: true });
    throw new BuilderFault(`The base image cannot be unpacked: ${result.stderr.toString().trim()}`);
  }
  await rename(partial, file);
}

async function rootExtent(file: string, name: string): Promise<{ readonly offset: number; readonly size: number }> {
  await using handle = await open(file, 'r');
  const found = await findRootPartition(async (offset, length) => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  });
  if (typeof found === 'string') throw new BuilderFault(`${name} cannot be the base of a sandbox: ${found}`);
  return found;
}
