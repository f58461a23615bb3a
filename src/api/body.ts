import { AwsError } from '../contract/errors.ts';

/** Far above the largest valid request (16,000 characters of document, 1,000 list entries) and cheap to refuse. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * The body, refused as soon as it is known to be too large.
 */
export async function readBody(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) break;
      chunks.push(chunk);
    }
  } catch {
    throw new AwsError('InvalidRequestException', 'The request body ended early.');
  }
  if (size > MAX_BODY_BYTES) throw tooLarge();
  return Buffer.concat(chunks);
}

function tooLarge(): AwsError {
  return new AwsError(
    'RequestEntityTooLargeException',
    `The request body is larger than ${MAX_BODY_BYTES} bytes, the most that this service takes.`,
  );
}
