import { AwsError } from '../../contract/errors.ts';

/**
 * Lets only so many follow at once: each holds a connection and asks the database again and again. One more is refused
 * with TooManyRequestsException.
 */
export function limitStreams<Request extends readonly unknown[], Line>(
  follow: (...request: Request) => AsyncIterable<Line>,
  most: number,
  onChange: (count: number) => void,
): (...request: Request) => AsyncGenerator<Line> {
  let open = 0;
  const change = (by: number): void => {
    open += by;
    onChange(open);
  };
  return async function* limited(...request) {
    if (open >= most) {
      const message = `There are ${most} clients that follow already. Try again.`;
      throw new AwsError('TooManyRequestsException', message, { retryAfterSeconds: 5 });
    }
    change(1);
    try {
      yield* follow(...request);
    } finally {
      change(-1);
    }
  };
}
