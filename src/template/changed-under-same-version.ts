/** AWS's refusal of a changed definition under a version that is taken, with what is not as it was. */
export class ChangedUnderSameVersion extends Error {
  /** Names of API members. */
  readonly differences: readonly string[];

  constructor(refusal: Error, differences: readonly string[]) {
    super(refusal.message, { cause: refusal });
    this.name = refusal.name;
    this.differences = differences;
  }
}
