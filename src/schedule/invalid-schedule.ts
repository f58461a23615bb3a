/** A schedule cannot be understood. The message says what is wrong and what is allowed, for whoever wrote it. */
export class InvalidScheduleError extends Error {
  override readonly name = 'InvalidScheduleError';
}
