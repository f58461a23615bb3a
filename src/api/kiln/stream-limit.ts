import { AwsError } from '../../contract/errors.ts';
import type { FollowImageBuild } from '../../contract/follow.ts';

/**
 * Lets only so many follow at once: each holds a connection and asks the database again and again. One more is refused
 * with TooManyRequestsException.
 */
export function limitStreams(
  follow: FollowImageBuild,
  most: number,
  onChange: (count: number) => void,
): FollowImageBuild {
  let open = 0;
  const change = (by: number): void => {
    open += by;
    onChange(open);
  };
  return async function* limited(...args) {
    if (open >= most) {
      const message = `There are ${most} clients that follow builds already. Try again.`;
      throw new AwsError('TooManyRequestsException', message, { retryAfterSeconds: 5 });
    }
    change(1);
    try {
      yield* follow(...args);
    } finally {
      change(-1);
    }
  };
}
