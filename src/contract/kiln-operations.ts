/**
 * Kiln's own operations beside AWS's: `POST /kiln/v1/operations/NAME` with a JSON object. They are the operator's: only
 * the owner of the installation may call them, because some of them name programs that the service then runs.
 */
import type { Caller } from './operations.ts';

export interface KilnOperation {
  /** Whether it changes nothing. */
  readonly readOnly: boolean;
  /** The input is any JSON object; a wrong one is refused with an AwsError. */
  run(input: Readonly<Record<string, unknown>>, caller: Caller): Promise<object>;
}

export type KilnOperations = Readonly<Record<string, KilnOperation>>;

/** What `GET /kiln/v1/events` tells, a line each: EventBridge envelopes with the position to go on from. */
export interface EventLine {
  readonly position: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** The events of the caller's account after a position, the oldest first; with `follow` also those that come later. */
export type FollowEvents = (
  request: { readonly accountId: string; readonly after: string; readonly follow: boolean },
  signal: AbortSignal,
) => AsyncIterable<EventLine>;
