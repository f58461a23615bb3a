/** Machine and home of a worker: where its instances, its disks and its mark of life are. */
export interface WorkerPlace {
  /** The same for all workers of one home on one machine. */
  readonly id: string;
  /**
   * Whether a worker of this place has ended: its process does not exist any more, so that nothing can come from it. False
   * while it exists, even if it is frozen.
   */
  hasEnded(workerId: string): Promise<boolean>;
}
