import { readRecord, writeRecord } from '../instance-record.ts';
import type { Qmp } from '../qmp.ts';
import { STALLED_MS, untilIdle } from './migration.ts';
import { isOverlayName, rootDisk } from './root-overlay.ts';

/** What QEMU calls a guest that stands still because somebody is saving it, or was; not one that an error has stopped. */
const SAVED = new Set(['paused', 'finish-migrate', 'postmigrate', 'save-vm']);

/**
 * Lets a guest go on whose process of Kiln is gone, maybe while it saved the guest: nobody else would. The record of the instance
 * gets the disk that the guest writes on by now.
 *
 * @param folder Of the instance.
 */
export async function endLostCheckpoint(folder: string, qmp: Qmp): Promise<void> {
  const { status } = (await qmp.execute('query-status')) as { readonly status: string };
  if (SAVED.has(status)) {
    await qmp.execute('migrate_cancel').catch(() => {});
    await untilIdle(qmp, STALLED_MS);
    await qmp.execute('cont');
  }
  // The overlays that checkpoints put on the disk are called like their files.
  const { node: written } = await rootDisk(qmp);
  const record = await readRecord(folder);
  if (record !== undefined && isOverlayName(written) && record.rootDisk !== written) {
    await writeRecord(folder, { ...record, rootDisk: written });
  }
}
