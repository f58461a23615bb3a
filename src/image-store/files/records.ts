import { readdir, readFile } from 'node:fs/promises';
import { compareText } from '../../util/compare-text.ts';
import { BuilderFault } from '../../util/faults.ts';
import type { ImageRecords, MachineImage } from '../image-store.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { isAmiId, type Layout, makeLayout, recordPath } from './layout.ts';

/** Raised when a field changes its meaning; readers refuse what is newer than they are. */
const RECORD_VERSION = 1;

export async function writeRecord(layout: Layout, image: MachineImage): Promise<void> {
  const record = { recordVersion: RECORD_VERSION, ...image };
  await writeFileAtomic(recordPath(layout, image.amiId), `${JSON.stringify(record, null, 2)}\n`);
}

/** Undefined when there is no such machine image. */
export async function readRecord(layout: Layout, amiId: string): Promise<MachineImage | undefined> {
  if (!isAmiId(amiId)) return undefined;
  const file = recordPath(layout, amiId);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : decodeRecord(text, file);
}

/** The machine images of the store in this folder, for who only reads: nothing is swept, and little is loaded. */
export async function openImageRecords(folder: string): Promise<ImageRecords> {
  const layout = await makeLayout(folder);
  return { get: (amiId) => readRecord(layout, amiId), list: () => readRecords(layout) };
}

/** All machine images, the oldest first. */
export async function readRecords(layout: Layout): Promise<readonly MachineImage[]> {
  const names = (await readdir(layout.amis)).filter((name) => isAmiId(name.replace(/\.json$/, '')));
  const images = await Promise.all(names.map((name) => readRecord(layout, name.replace(/\.json$/, ''))));
  return images
    .filter((image) => image !== undefined)
    .sort((a, b) => compareText(a.createdAt, b.createdAt) || compareText(a.amiId, b.amiId));
}

function decodeRecord(text: string, file: string): MachineImage {
  const broken = (why: string): BuilderFault =>
    new BuilderFault(`The record of a machine image cannot be read: ${why}`, {
      where: file,
      hint: 'Restore the file from a backup, or remove it to give the image up.',
    });
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw broken('it is not JSON');
  }
  if (typeof record !== 'object' || record === null) throw broken('it is not an object');
  const { recordVersion, ...image } = record as Record<string, unknown>;
  if (recordVersion !== RECORD_VERSION)
    throw broken(`its version is ${recordVersion}, this Kiln knows ${RECORD_VERSION}`);
  for (const [key, type] of Object.entries(REQUIRED)) {
    if (typeof image[key] !== type) throw broken(`${key} is missing or not a ${type}`);
  }
  if (!/^[0-9a-f]{64}$/.test(String(image['digest']))) throw broken('digest is not a sha256');
  return image as unknown as MachineImage;
}

const REQUIRED = {
  amiId: 'string',
  name: 'string',
  platform: 'string',
  architecture: 'string',
  digest: 'string',
  virtualSize: 'number',
  storedSize: 'number',
  tags: 'object',
  createdAt: 'string',
  source: 'string',
} as const;
