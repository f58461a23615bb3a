/**
 * Streams objects as lines of JSON, no faster than the client reads. The first one is awaited before the answer begins,
 * so that an error up to then is an ordinary error answer; a later error breaks the connection off, and the client
 * sees that the stream has no proper end.
 *
 * @param begin makes the objects; its signal is aborted when the client goes away or `signal` is
 * @param signal ends the stream from our side, with an error
 * @param onBroken told what broke a stream that had begun
 */
export async function ndjson(
  begin: (ended: AbortSignal) => AsyncIterable<object>,
  signal: AbortSignal,
  onBroken: (error: unknown) => void,
): Promise<Response> {
  const gone = new AbortController();
  const ended = AbortSignal.any([signal, gone.signal]);
  const lines = begin(ended)[Symbol.asyncIterator]();
  let next: IteratorResult<object> | undefined = await lines.next();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = next ?? (await lines.next());
          next = undefined;
          ended.throwIfAborted();
          if (done) controller.close();
          else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
        } catch (error) {
          if (!ended.aborted) onBroken(error);
          controller.error(error);
          gone.abort(error);
          await lines.return?.().catch(() => {});
        }
      },
      async cancel(reason) {
        gone.abort(reason ?? new Error('The reader went away.'));
        await lines.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' } });
}
