/** An event pattern cannot be understood. */
export class InvalidPatternError extends Error {
  override readonly name = 'InvalidPatternError';

  /** @param place where in the pattern: `detail.state.status[0]` */
  constructor(place: string, reason: string) {
    super(`The event pattern is wrong at ${place === '' ? 'its top' : `'${place}'`}: ${reason}`);
  }
}
