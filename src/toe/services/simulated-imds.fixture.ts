import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A simulated metadata service for tests, on loopback, which answers as the EC2 User Guide says, to sessions only. `moved` is
 * a redirect, `broken` an error.
 */
export interface SimulatedImds extends AsyncDisposable {
  readonly url: string;
  readonly requests: string[];
  /** The sessions so far are no longer known. */
  forget(): void;
}

export async function simulateImds(values: Readonly<Record<string, string>>): Promise<SimulatedImds> {
  const requests: string[] = [];
  const tokens = new Set<string>();
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (request.method === 'PUT' && request.url === '/latest/api/token') {
      const ttl = Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds']);
      if (!(ttl >= 1 && ttl <= 21_600)) return response.writeHead(400).end();
      const token = `token-${tokens.size + requests.length}`;
      tokens.add(token);
      return response.end(token);
    }
    if (!tokens.has(String(request.headers['x-aws-ec2-metadata-token']))) return response.writeHead(401).end();
    const path = /^\/latest\/meta-data\/(.*)$/.exec(request.url ?? '')?.[1] ?? '';
    if (path === 'moved') return response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    if (path === 'broken') return response.writeHead(500).end();
    const value = values[path];
    return value === undefined ? response.writeHead(404).end() : response.end(value);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    forget: () => tokens.clear(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
