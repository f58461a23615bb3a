/** An attempt of a step did not work; the message is what the user reads. `onFailure` and `maxAttempts` decide what follows. */
export class StepFailedError extends Error {
  override readonly name = 'StepFailedError';
}
