import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A simulated S3 for tests, on loopback and in memory: path-style GetObject, PutObject, ListObjectsV2 in pages and
 * multipart uploads, with the answers that S3's API reference gives. It looks at the access key of a signature, and not
 * at the signature.
 */
export interface SimulatedS3 extends AsyncDisposable {
  readonly url: string;
  /** By `bucket/key`. */
  readonly objects: Map<string, Buffer>;
  /** `METHOD /path?query` of every request. */
  readonly requests: string[];
  /** Uploads that were begun and neither completed nor withdrawn. */
  readonly pending: ReadonlyMap<string, unknown>;
  /** So many of the next answers with an object break off in the middle. */
  breakOff: number;
  /** Answer requests that write a part with an error. */
  refuseParts: boolean;
}

export const SIMULATED_KEY = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated-secret-key' } as const;
export const SIMULATED_OWNER = '012345678901';
const PAGE = 2;
const MIN_PART = 5 * 1024 * 1024;

export async function simulateS3(): Promise<SimulatedS3> {
  const objects = new Map<string, Buffer>();
  const pending = new Map<string, Map<number, Buffer>>();
  const requests: string[] = [];
  const state = { breakOff: 0, refuseParts: false };
  let uploads = 0;

  const answer = (request: IncomingMessage, body: Buffer, response: ServerResponse): unknown => {
    requests.push(`${request.method} ${request.url}`);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const name = decodeURIComponent(url.pathname.slice(1));
    const query = url.searchParams;
    const fail = (status: number, code: string): void => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(`<Error><Code>${code}</Code><Message>simulated ${code}</Message></Error>`);
    };
    const xml = (text: string): void => {
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0"?>${text}`);
    };
    if (!request.headers.authorization?.includes(`Credential=${SIMULATED_KEY.accessKeyId}/`)) {
      return fail(403, 'InvalidAccessKeyId');
    }
    const owner = request.headers['x-amz-expected-bucket-owner'];
    if (owner !== undefined && owner !== SIMULATED_OWNER) return fail(403, 'AccessDenied');
    const uploadId = query.get('uploadId');
    const parts = pending.get(uploadId ?? '');
    if (uploadId !== null && parts === undefined) return fail(404, 'NoSuchUpload');
    switch (request.method) {
      case 'GET': {
        if (query.get('list-type') === '2') return list(name.replace(/\/$/, ''), query);
        const object = objects.get(name);
        if (object === undefined) return fail(404, 'NoSuchKey');
        response.writeHead(200, { 'content-length': object.length });
        if (state.breakOff-- <= 0) return response.end(object);
        response.write(object.subarray(0, object.length / 2), () => response.destroy());
        return undefined;
      }
      case 'PUT':
        if (parts === undefined) objects.set(name, body);
        else if (state.refuseParts) return fail(400, 'InvalidPart');
        else parts.set(Number(query.get('partNumber')), body);
        response.writeHead(200, { etag: `"${createHash('md5').update(body).digest('hex')}"` });
        return response.end();
      case 'POST': {
        if (parts === undefined) {
          const id = `upload-${++uploads}`;
          pending.set(id, new Map());
          return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
        }
        const wanted = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map((match) =>
          Number(match[1]),
        );
        const pieces = wanted.map((number) => parts.get(number));
        if (pieces.some((piece) => piece === undefined)) return fail(400, 'InvalidPart');
        const whole = pieces.flatMap((piece) => piece ?? []);
        if (whole.slice(0, -1).some((piece) => piece.length < MIN_PART)) return fail(400, 'EntityTooSmall');
        objects.set(name, Buffer.concat(whole));
        pending.delete(uploadId ?? '');
        return xml('<CompleteMultipartUploadResult><ETag>"x-2"</ETag></CompleteMultipartUploadResult>');
      }
      case 'DELETE':
        pending.delete(uploadId ?? '');
        response.writeHead(204);
        return response.end();
      default:
        return fail(405, 'MethodNotAllowed');
    }

    function list(bucket: string, parameters: URLSearchParams): void {
      const prefix = `${bucket}/${parameters.get('prefix') ?? ''}`;
      const names = [...objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
      const from = Number(parameters.get('continuation-token') ?? 0);
      const page = names.slice(from, from + PAGE).map((key) => {
        const escaped = key
          .slice(bucket.length + 1)
          .replaceAll('&', '&amp;')
          .replaceAll('<', '&lt;');
        return `<Contents><Key>${escaped}</Key><Size>${objects.get(key)?.length ?? 0}</Size></Contents>`;
      });
      const more = from + PAGE < names.length;
      const next = more ? `<NextContinuationToken>${from + PAGE}</NextContinuationToken>` : '';
      xml(`<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${page.join('')}</ListBucketResult>`);
    }
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, Buffer.concat(chunks), response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    pending,
    get breakOff() {
      return state.breakOff;
    },
    set breakOff(times) {
      state.breakOff = times;
    },
    get refuseParts() {
      return state.refuseParts;
    },
    set refuseParts(refuse) {
      state.refuseParts = refuse;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
