import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Asks a web server. Undefined when it cannot be reached, is too slow, says too much, or lies where nobody is asked. */
export type WebRequest = (
  url: string,
  options: { readonly method: 'HEAD' | 'GET'; readonly headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
) => Promise<WebAnswer | undefined>;

export interface WebAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

const PATIENCE_MS = 3_000;
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_REDIRECTS = 5;

/** This machine itself and what only it can reach: a document must not make the builder ask there. */
const FORBIDDEN = new BlockList();
FORBIDDEN.addSubnet('127.0.0.0', 8);
FORBIDDEN.addSubnet('0.0.0.0', 8);
FORBIDDEN.addSubnet('169.254.0.0', 16);
FORBIDDEN.addAddress('::1', 'ipv6');
FORBIDDEN.addAddress('::', 'ipv6');
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6');
FORBIDDEN.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');
FORBIDDEN.addSubnet('::ffff:169.254.0.0', 112, 'ipv6');

/** Follows redirects; rejects only with the signal's reason. */
export function webRequest(options: { readonly allowOwnMachine?: boolean } = {}): WebRequest {
  const isAllowed = (address: string): boolean =>
    options.allowOwnMachine === true || !FORBIDDEN.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

  const lookupAllowed: LookupFunction = (hostname, lookupOptions, callback) => {
    lookup(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
      const allowed = (addresses ?? []).filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (error !== null || first === undefined) callback(error ?? new Error(`${hostname} is not asked`), '', 4);
      else if (lookupOptions.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };

  return async (url, request, signal) => {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    let next = url;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const answer = await ask(next, request, limited).catch(() => undefined);
      signal.throwIfAborted();
      const location = answer?.headers['location'];
      if (answer === undefined || location === undefined || answer.status < 300 || answer.status === 304) return answer;
      if (!URL.canParse(location, next)) return undefined;
      next = new URL(location, next).href;
    }
    return undefined;
  };

  function ask(url: string, { method, headers }: Parameters<WebRequest>[1], signal: AbortSignal): Promise<WebAnswer> {
    return new Promise((resolve, reject) => {
      const { protocol, hostname } = new URL(url);
      const host = hostname.replace(/^\[(.*)\]$/, '$1');
      if (isIP(host) !== 0 && !isAllowed(host)) return reject(new Error(`${host} is not asked`));
      if (protocol !== 'http:' && protocol !== 'https:') return reject(new Error(`${protocol} is not asked`));
      // Not imported: `kiln plan` would load them on every start, and all of `fetch` with them.
      const { request } = process.getBuiltinModule(protocol === 'https:' ? 'node:https' : 'node:http');
      const sent = request(url, { method, headers, signal, lookup: lookupAllowed, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MOST_BYTES) sent.destroy(new Error('too much'));
          chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          const single = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(single),
            body: Buffer.concat(chunks),
          });
        });
      });
      sent.on('error', reject);
      sent.end();
    });
  }
}
