import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { BuilderFault, coerceError } from '../../../util/faults.ts';
import type { StoreContext } from '../../image-store.ts';

export interface DownloadLimits {
  /** For the connection and the first bytes of the answer. */
  readonly answerSeconds: number;
  /** Without any byte the download is given up. */
  readonly stallSeconds: number;
  readonly maxBytes: number;
}

export const DOWNLOAD_LIMITS: DownloadLimits = { answerSeconds: 15, stallSeconds: 60, maxBytes: 20 * 2 ** 30 };

const MAX_TEXT_BYTES = 4 * 2 ** 20;
const PROGRESS_EVERY = 0.1;

/** Reads a small text or key, and says from where it came after redirects. Errors as {@link downloadFile}. */
export async function downloadBytes(
  url: string,
  signal: AbortSignal,
  limits = DOWNLOAD_LIMITS,
): Promise<{ readonly bytes: Buffer; readonly url: string }> {
  const chunks: Buffer[] = [];
  const finalUrl = await transfer(url, signal, { ...limits, maxBytes: MAX_TEXT_BYTES }, async (body) => {
    for await (const chunk of body) chunks.push(chunk as Buffer);
  });
  return { bytes: Buffer.concat(chunks), url: finalUrl };
}

/**
 * Downloads to a new file and compares what came with the expected digest. The file is the caller's to remove, also
 * after a failure.
 *
 * @throws BuilderFault that names the URL: no connection, an answer other than 200, cut short, stalled, too large, or a
 *   content that is not the expected one.
 */
export async function downloadFile(
  url: string,
  file: string,
  expected: { readonly algorithm: 'sha256' | 'sha512'; readonly digest: string },
  { signal, monitor }: StoreContext,
  limits = DOWNLOAD_LIMITS,
): Promise<void> {
  const hash = createHash(expected.algorithm);
  await transfer(url, signal, limits, async (body, length) => {
    let received = 0;
    let reported = 0;
    const observe = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        received += chunk.length;
        if (length !== undefined && received / length >= reported + PROGRESS_EVERY) {
          reported = Math.floor(received / length / PROGRESS_EVERY) * PROGRESS_EVERY;
          monitor.line('kiln', `downloading ${url}: ${Math.round(reported * 100)} % of ${mebibytes(length)} MiB`);
        }
        done(null, chunk);
      },
    });
    await pipeline(body, observe, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  });
  const digest = hash.digest('hex');
  if (digest !== expected.digest) {
    throw new BuilderFault(
      `The download has the wrong content: its ${expected.algorithm} should be ${expected.digest} and is ${digest}`,
      { where: url, hint: 'The mirror may be in the middle of an update; try again later.' },
    );
  }
}

async function transfer(
  url: string,
  signal: AbortSignal,
  limits: DownloadLimits,
  consume: (body: Readable, length: number | undefined) => Promise<void>,
): Promise<string> {
  refuseUnprotected(url);
  const giveUp = new AbortController();
  let timer = setTimeout(
    () => giveUp.abort(fault(url, `no answer within ${limits.answerSeconds} s`)),
    limits.answerSeconds * 1_000,
  );
  const stalled = (): void => giveUp.abort(fault(url, `nothing came for ${limits.stallSeconds} s`));
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, giveUp.signal]), redirect: 'follow' });
    // A redirect must not lead from a protected connection to an open one.
    refuseUnprotected(response.url);
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      throw fault(url, `the server answered ${response.status} ${response.statusText}`.trimEnd());
    }
    const length = contentLength(response);
    if (length !== undefined && length > limits.maxBytes) {
      await response.body.cancel();
      throw fault(url, `it is ${mebibytes(length)} MiB large`);
    }
    let received = 0;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        clearTimeout(timer);
        timer = setTimeout(stalled, limits.stallSeconds * 1_000);
        received += chunk.length;
        if (received > limits.maxBytes) done(fault(url, `it is larger than ${mebibytes(limits.maxBytes)} MiB`));
        else done(null, chunk);
      },
    });
    const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    body.on('error', (error) => count.destroy(error));
    await consume(body.pipe(count), length);
    if (length !== undefined && received !== length) {
      throw fault(url, `it was cut short after ${received} of ${length} bytes`);
    }
    return response.url;
  } catch (error) {
    signal.throwIfAborted();
    giveUp.signal.throwIfAborted();
    throw asFault(url, coerceError(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined also for encoded answers, whose length is not that of the content. */
function contentLength(response: Response): number | undefined {
  const text = response.headers.get('content-length');
  return text === null || response.headers.has('content-encoding') ? undefined : Number(text);
}

function refuseUnprotected(url: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:') return;
  if (protocol === 'http:' && (hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]')) return;
  throw fault(url, 'it would not come over https');
}

function asFault(url: string, error: Error): Error {
  if (error instanceof BuilderFault) return error;
  const code = 'code' in error ? error.code : undefined;
  // A full disk is said by whoever writes the file.
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EEXIST') return error;
  // What fetch says when a connection ends in the middle of an answer.
  if (error.message === 'terminated' || error.message === 'aborted') return fault(url, 'it was cut short', error);
  return fault(url, error.cause instanceof Error ? error.cause.message : error.message, error);
}

function fault(url: string, why: string, cause?: unknown): BuilderFault {
  return new BuilderFault(`The download failed: ${why}`, {
    where: url,
    hint: 'Check that this machine reaches the address.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
