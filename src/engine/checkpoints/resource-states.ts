import { createHash } from 'node:crypto';
import type { ObjectPlace, ObjectStore } from '../../toe/run-services.ts';
import type { RepositoryState } from './component-record.ts';
import type { WebRequest } from './web-request.ts';

/** What things out there look like now, without fetching them where that can be avoided. */
export interface ResourceStates {
  /** Of a download; undefined when its server does not say, or cannot be reached. */
  web(url: string, signal: AbortSignal): Promise<string | undefined>;
  /** Of an object, or of all that begin so; undefined when there is no object store, or it does not answer. */
  objects(place: ObjectPlace, signal: AbortSignal): Promise<string | undefined>;
  /** Of the index of a package repository; undefined when it cannot be read. With `before` only what changed is fetched. */
  index(url: string, signal: AbortSignal, before?: RepositoryState): Promise<RepositoryState | undefined>;
}

const MOST_OBJECTS = 1_000;

/** Each thing is asked for once: a build sees one state of it. */
export function resourceStates(
  request: WebRequest = async () => undefined,
  objects: ObjectStore | undefined,
): ResourceStates {
  const asked = new Map<string, Promise<unknown>>();
  function once<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const known = asked.get(name) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const answer = ask();
    asked.set(name, answer);
    return answer;
  }
  return {
    web: (url, signal) =>
      once(`web ${url}`, async () => {
        const answer = await request(url, { method: 'HEAD', headers: {} }, signal);
        if (answer?.status !== 200) return undefined;
        const { etag, 'last-modified': lastModified, 'content-length': length } = answer.headers;
        // A weak one says that the content means the same, not that it is the same.
        if (etag !== undefined && !etag.startsWith('W/')) return `etag ${etag}`;
        return lastModified === undefined || length === undefined ? undefined : `modified ${lastModified} ${length}`;
      }),
    objects: (place, signal) =>
      once(`s3 ${place.bucket} ${place.key}`, async () => {
        const found = await objects?.etags(place, MOST_OBJECTS, signal).catch(() => undefined);
        signal.throwIfAborted();
        if (found === undefined || found.length === MOST_OBJECTS) return undefined;
        return createHash('sha256').update(JSON.stringify(found)).digest('hex');
      }),
    index: (url, signal, before) =>
      once(`index ${url} ${before?.sha256 ?? ''}`, async () => {
        const headers = {
          ...(before?.etag === undefined ? {} : { 'if-none-match': before.etag }),
          ...(before?.lastModified === undefined ? {} : { 'if-modified-since': before.lastModified }),
        };
        const answer = await request(url, { method: 'GET', headers }, signal);
        if (answer?.status === 304) return before;
        if (answer?.status !== 200) return undefined;
        const { etag, 'last-modified': lastModified } = answer.headers;
        return {
          url,
          sha256: createHash('sha256').update(answer.body).digest('hex'),
          ...(etag === undefined ? {} : { etag }),
          ...(lastModified === undefined ? {} : { lastModified }),
        };
      }),
  };
}
