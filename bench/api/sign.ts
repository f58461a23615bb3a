import { createHash, createHmac } from 'node:crypto';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

/** A signed request as it goes over the wire. `path` may carry a query whose names are in order. */
export function signedRequest(keys: Keys, method: string, path: string, body = '', at = new Date()): string {
  const date = at.toISOString().replace(/[-:]|\.[0-9]+/g, '');
  const [pathname = '', query = ''] = path.split('?');
  const scope = `${date.slice(0, 8)}/${keys.region}/imagebuilder/aws4_request`;
  const canonical = [
    method,
    pathname,
    query,
    'host:127.0.0.1',
    `x-amz-date:${date}`,
    '',
    'host;x-amz-date',
    sha256(body),
  ];
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical.join('\n'))].join('\n');
  const key = [date.slice(0, 8), keys.region, 'imagebuilder', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${keys.secretAccessKey}`,
  );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  return [
    `${method} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `x-amz-date: ${date}`,
    `authorization: AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    ...(body === '' ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`]),
    '',
    body,
  ].join('\r\n');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
