import type { Kysely, Transaction } from 'kysely';
import { whileDatabaseReturns } from '../database-lost.ts';
import type { ImageRow } from '../find-resource.ts';
import { isUnfinished, type Stage } from '../image-states.ts';
import type { Database } from '../tables.ts';

/**
 * The right to change an image and the executions below it, given by claimImage, resumeImage and takeOverImage. A later claim of the
 * same image ends it.
 */
export interface ImageClaim {
  readonly imageArn: string;
  readonly epoch: number;
  /** How long changes under it wait for a database that is away; default: half a minute. */
  readonly patienceMs?: number | undefined;
}

/** The claim is over: somebody claimed the image after us, or it has ended, or it is gone. Nothing was changed. */
export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';
  readonly imageArn: string;

  constructor(claim: ImageClaim, image: Pick<ImageRow, 'epoch' | 'status'> | undefined) {
    const now = image === undefined ? 'it is deleted' : `it is ${image.status} with epoch ${image.epoch}`;
    super(`The claim on ${claim.imageArn} with epoch ${claim.epoch} is over: ${now}.`);
    this.imageArn = claim.imageArn;
  }
}

export type ClaimedImage = ImageRow & { readonly status: Stage };

/**
 * Runs a change in a transaction that holds the image's row, so that the changes and events of one image come one after
 * the other. `db` may be a transaction already. Throws {@link ClaimLostError} when the claim is not the image's latest or
 * the image has ended.
 *
 * While the database is away it is tried again, unless the transaction is the caller's. The answer of a commit may have
 * been lost: a change that cannot be made twice says by `isDone` whether it was made, and gives nothing then.
 */
export function changeClaimed<Result>(
  db: Kysely<Database>,
  claim: ImageClaim,
  change: (trx: Transaction<Database>, image: ClaimedImage) => Promise<Result>,
): Promise<Result>;
export function changeClaimed(
  db: Kysely<Database>,
  claim: ImageClaim,
  change: (trx: Transaction<Database>, image: ClaimedImage) => Promise<void>,
  isDone: (trx: Transaction<Database>, image: ImageRow) => Promise<boolean> | boolean,
): Promise<void>;
export function changeClaimed<Result>(
  db: Kysely<Database>,
  claim: ImageClaim,
  change: (trx: Transaction<Database>, image: ClaimedImage) => Promise<Result>,
  isDone?: (trx: Transaction<Database>, image: ImageRow) => Promise<boolean> | boolean,
): Promise<Result | undefined> {
  const attempt = (again: boolean): Promise<Result | undefined> =>
    inTransaction(db, async (trx) => {
      const image = await lockImage(trx, claim.imageArn);
      if (again && image?.epoch === claim.epoch && (await isDone?.(trx, image)) === true) return undefined;
      if (image === undefined || image.epoch !== claim.epoch || !isUnfinished(image.status)) {
        throw new ClaimLostError(claim, image);
      }
      return change(trx, image as ClaimedImage);
    });
  return db.isTransaction ? attempt(false) : whileDatabaseReturns(attempt, claim.patienceMs);
}

/** Throws {@link ClaimLostError} when the claim is over. Asked before something is done that cannot be taken back. */
export function assertClaimed(db: Kysely<Database>, claim: ImageClaim): Promise<void> {
  return changeClaimed(db, claim, async () => {});
}

/** The image, and its row until the transaction ends: others who want it wait. */
export function lockImage(trx: Transaction<Database>, imageArn: string): Promise<ImageRow | undefined> {
  return trx.selectFrom('images').selectAll().where('arn', '=', imageArn).forUpdate().executeTakeFirst();
}

/** Runs `work` in the transaction that `db` is, or in a new one. */
export function inTransaction<Result>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>) => Promise<Result>,
): Promise<Result> {
  return db.isTransaction ? work(db as Transaction<Database>) : db.transaction().execute(work);
}

/** Cuts a text to what the API's member holds, so that a record can always be read back through it. */
export function fit(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** Length of a message of a workflow or step execution. Source: API Reference, WorkflowStepMessage. */
export const MESSAGE_LENGTH = 500;

/** Length of a reason. Source: API Reference, ImageState. */
export const REASON_LENGTH = 1024;
