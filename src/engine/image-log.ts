import type { ImageRow } from '../state/find-resource.ts';
import { openLog } from '../state/log-events.ts';
import { logPlaceOf } from '../state/log-place.ts';
import { coerceError } from '../util/faults.ts';
import type { Monitor } from '../util/monitor.ts';
import type { Engine } from './engine.ts';

/** The log of one image while it is built. */
export interface ImageLog {
  /** Takes the lines of one workflow step, or of the build outside its steps. */
  readonly monitorFor: (stepName?: string) => Monitor;
  /** Resolves when all lines are stored. A log that cannot be stored is the operator's business, not the build's. */
  flush(): Promise<void>;
  /** As flush, and ends it. */
  close(): Promise<void>;
}

export function openImageLog({ db, clock, log }: Engine, image: ImageRow): ImageLog {
  const { group, stream } = logPlaceOf(image);
  const writer = openLog(db, group, stream);
  const report = (error: unknown): void => log.error({ err: coerceError(error), image: image.arn }, 'log not stored');
  return {
    monitorFor: (stepName) => ({
      line: (source, message) => writer.append({ at: clock.now(), stepName, source, message }),
    }),
    flush: () => writer.flush().catch(report),
    close: () => writer.close().catch(report),
  };
}
