/** The type of answers that are streams. */
export const NDJSON = 'application/x-ndjson';

/**
 * Streams objects as lines of JSON, no faster than the client reads. The first one is awaited for a while before the
 * answer begins, so that an error up to then is an ordinary error answer; a later error breaks the connection off, and
 * the client sees that the stream has no proper end. While there is nothing to say, an empty line now and then keeps clients from
 * giving up and tells us of those that are gone.
 */
export interface NdjsonOptions {
  /** Makes the objects; its signal is aborted when the client goes away or `closing` is. */
  readonly begin: (ended: AbortSignal) => AsyncIterable<object>;
  /** Ends the stream from our side, with an error. */
  readonly closing: AbortSignal;
  /** Told what broke a stream that had begun. */
  readonly onBroken: (error: unknown) => void;
  /** Silence after which an empty line is sent. */
  readonly heartbeatMs: number;
}

export async function ndjson({ begin, closing, onBroken, heartbeatMs }: NdjsonOptions): Promise<Response> {
  const gone = new AbortController();
  const ended = AbortSignal.any([closing, gone.signal]);
  const objects = begin(ended)[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<object>> | undefined = objects.next();
  /** Does not wait: a generator that is in the middle of something ends when it next looks at its signal. */
  const release = (reason: unknown): void => {
    gone.abort(reason);
    pending?.catch(() => {});
    objects.return?.().catch(() => {});
  };
  try {
    await settledWithin(pending, heartbeatMs, ended);
  } catch (error) {
    release(error);
    throw error;
  }
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          ended.throwIfAborted();
          pending ??= objects.next();
          const result = await settledWithin(pending, heartbeatMs, ended);
          if (result === undefined) {
            controller.enqueue(encoder.encode('\n'));
            return;
          }
          pending = undefined;
          if (result.done) controller.close();
          else controller.enqueue(encoder.encode(`${JSON.stringify(result.value)}\n`));
        } catch (error) {
          if (!ended.aborted) onBroken(error);
          controller.error(error);
          release(error);
        }
      },
      cancel: (reason) => release(reason ?? new Error('The reader went away.')),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': NDJSON, 'cache-control': 'no-store' } });
}

/** What `pending` resolves to, or undefined after `ms`; rejects with the signal's reason when that comes first. */
async function settledWithin<T>(pending: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  const settled = Promise.withResolvers<T | undefined>();
  const timer = setTimeout(() => settled.resolve(undefined), ms);
  const onAbort = (): void => settled.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  pending.then(settled.resolve, settled.reject);
  try {
    return await settled.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
