import { AwsError } from '../contract/errors.ts';
import { TargetLostError } from '../toe/target.ts';
import { BuilderFault, BuildFailure } from '../util/faults.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { plainText } from './plain-text.ts';

/** Whether somebody foresaw this error; all others are defects of Kiln and go to its own log. */
export function isForeseen(error: Error): boolean {
  return (
    error instanceof BuildFailure ||
    error instanceof BuilderFault ||
    error instanceof InvalidDocumentError ||
    error instanceof TargetLostError ||
    error instanceof AwsError
  );
}

/** What a person should read about an error; may have several lines. */
export function failureText(error: Error): string {
  if (!isForeseen(error)) return "Kiln had an internal error; the service's own log has the details";
  const hint = error instanceof BuildFailure || error instanceof BuilderFault ? error.hint : undefined;
  const text = hint === undefined ? error.message : `${error.message}. ${hint}`;
  return plainText(text);
}
