import { AwsError } from '../../contract/errors.ts';
import type { Call } from '../call.ts';
import { createRateLimit } from '../rate-limit.ts';
import { auditRecord, type RecordPlace } from './record.ts';

/** Where records go; state/audit-trail/ is one. */
export interface Trail {
  /** Resolves when a durable record is on disk, and at once for others. */
  append(record: object, durable: boolean): Promise<void>;
  /** Why nothing can be recorded at present. */
  failure(): Error | undefined;
}

export interface Recorder {
  /** Throws ServiceUnavailableException while calls cannot be recorded: what nobody would know of is not done. */
  checkWritable(): void;
  /**
   * Records a call. Of a call that may have changed something it resolves when the record is on disk, so that its answer
   * comes after; it rejects with ServiceUnavailableException when that fails.
   */
  record(call: Call): Promise<void>;
}

/** Strangers must not fill the disk: of calls without a good signature so many are recorded, the others are counted. */
const STRANGERS_PER_SECOND = 10;
const STRANGERS_AT_ONCE = 100;

export function createRecorder(trail: Trail, place: RecordPlace): Recorder {
  const strangers = createRateLimit({ perSecond: STRANGERS_PER_SECOND, burst: STRANGERS_AT_ONCE });
  let leftOut = 0;
  return {
    checkWritable: () => {
      if (trail.failure() !== undefined) throw unavailable();
    },
    record: async (call) => {
      if (call.credential === undefined) {
        if (strangers.take('', call.startedAt) !== undefined) {
          leftOut++;
          return;
        }
        const record = auditRecord(call, place, leftOut);
        leftOut = 0;
        await trail.append(record, false);
        return;
      }
      const record = auditRecord(call, place);
      await trail.append(record, !call.readOnly).catch(() => {
        throw unavailable();
      });
    },
  };
}

function unavailable(): AwsError {
  return new AwsError('ServiceUnavailableException', 'The service cannot record calls at present. Try again.', {
    retryAfterSeconds: 5,
  });
}
