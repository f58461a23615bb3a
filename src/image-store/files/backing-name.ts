import { open } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';

const HEADER_BYTES = 20;
const MAGIC = 0x514649fb;

/**
 * Changes the name by which a qcow2 overlay knows what it is on, in place and without opening that: for overlays that a
 * process still reads, where qemu-img would wait for it. The new name must not be longer than the one that is there.
 *
 * @throws BuilderFault when the file is no overlay, or the name does not fit.
 */
export async function setBackingName(file: string, name: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await handle.read(header, 0, HEADER_BYTES, 0);
    const offset = header.readBigUInt64BE(8);
    const length = header.readUInt32BE(16);
    if (bytesRead < HEADER_BYTES || header.readUInt32BE(0) !== MAGIC || offset === 0n) {
      throw new BuilderFault('The file is not a qcow2 overlay', { where: file });
    }
    const bytes = Buffer.from(name);
    if (bytes.length > length) {
      throw new BuilderFault(`The name ${name} does not fit into the overlay`, { where: file });
    }
    // The name before its length: whoever is killed between the two leaves a name with a tail, which opens nothing.
    await handle.write(bytes, 0, bytes.length, Number(offset));
    header.writeUInt32BE(bytes.length, 16);
    await handle.write(header, 16, 4, 16);
  } finally {
    await handle.close();
  }
}
