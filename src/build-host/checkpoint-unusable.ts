/**
 * A machine cannot go on from a checkpoint: it was taken by another QEMU or of another machine, it is damaged, or what came
 * of it does not answer. Nothing of the instance is left; it can be launched from an earlier state.
 */
export class CheckpointUnusable extends Error {
  override readonly name = 'CheckpointUnusable';
  /** `foreign`: whole, but of no use on this host as it is now. */
  readonly kind: 'foreign' | 'damaged' | 'refused';

  constructor(kind: CheckpointUnusable['kind'], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
