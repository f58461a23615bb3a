import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../util/clock.ts';
import type { Monitor } from '../../util/monitor.ts';
import type { CaptureRequest, ImageStore, MachineImage, StoreContext } from '../image-store.ts';
import { openImageStore } from './store.ts';

export const MIB = 2 ** 20;

/** A folder for one test, with a store in it. */
export interface StoreFixture extends AsyncDisposable {
  readonly folder: string;
  readonly storeFolder: string;
  readonly store: ImageStore;
  readonly lines: string[];
  readonly context: StoreContext;
}

export async function storeFixture(): Promise<StoreFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-store-'));
  const storeFolder = join(folder, 'images');
  const lines: string[] = [];
  const monitor: Monitor = { line: (_source, text) => void lines.push(text) };
  return {
    folder,
    storeFolder,
    store: await openImageStore({ folder: storeFolder, clock: fixedClock }),
    lines,
    context: { signal: new AbortController().signal, monitor },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export const fixedClock: Clock = { now: () => new Date('2026-03-09T10:00:00.000Z') };

/** A raw disk with a partition table's mark, some random content, and zeros. */
export async function writeRawDisk(file: string, megabytes = 4, contentMegabytes = 1): Promise<Buffer> {
  const content = Buffer.alloc(megabytes * MIB);
  randomBytes(contentMegabytes * MIB).copy(content, MIB);
  content.writeUInt16BE(0x55aa, 510);
  await writeFile(file, content);
  return content;
}

export function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Imports a small disk. */
export async function importSmall(fixture: StoreFixture, name = 'base'): Promise<MachineImage> {
  const file = join(fixture.folder, `${name}.raw`);
  await writeRawDisk(file);
  return await fixture.store.import(
    { file, name, platform: 'Linux', osVersion: 'Test 1', source: 'import' },
    fixture.context,
  );
}

/** An overlay as an instance leaves it, with `text` written at the second mebibyte. */
export async function writeOverlay(fixture: StoreFixture, parent: MachineImage, text: string): Promise<string> {
  const { path } = await fixture.store.bootDisk(parent.amiId);
  const overlay = join(fixture.folder, `${randomBytes(4).toString('hex')}.qcow2`);
  qemuImg('create', '-q', '-f', 'qcow2', '-b', path, '-F', 'qcow2', overlay);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -s ${await textFile(fixture, text)} 2M 64k`, overlay], {
    stdio: 'ignore',
  });
  return overlay;
}

async function textFile(fixture: StoreFixture, text: string): Promise<string> {
  const file = join(fixture.folder, 'pattern');
  await writeFile(file, Buffer.alloc(65_536, text));
  return file;
}

export function captureRequest(amiId: string, diskPath: string, parent: MachineImage): CaptureRequest {
  return {
    amiId,
    diskPath,
    parentAmiId: parent.amiId,
    name: 'child',
    tags: { made: 'by a test' },
    source: 'arn:aws:imagebuilder:us-east-1:123456789012:image/child/1.0.0/1',
  };
}
