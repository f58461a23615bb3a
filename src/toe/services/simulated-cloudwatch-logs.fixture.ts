import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A simulated CloudWatch Logs for tests, on loopback: CreateLogGroup, CreateLogStream and PutLogEvents in the service's
 * protocol (AWS JSON 1.1), with the answers and limits of its API reference. It looks at the scope of a signature, and not
 * at the signature.
 */
export interface SimulatedCloudWatchLogs extends AsyncDisposable {
  readonly url: string;
  /** Messages by `group|stream`. */
  readonly streams: Map<string, string[]>;
  /** `OPERATION` of every request. */
  readonly requests: string[];
  /** Operations that are not allowed. */
  readonly denied: Set<string>;
}

interface Input {
  readonly logGroupName: string;
  readonly logStreamName?: string;
  readonly logEvents?: readonly { readonly timestamp: number; readonly message: string }[];
}

export async function simulateCloudWatchLogs(): Promise<SimulatedCloudWatchLogs> {
  const groups = new Set<string>();
  const streams = new Map<string, string[]>();
  const requests: string[] = [];
  const denied = new Set<string>();

  const answer = (request: IncomingMessage, body: string, response: ServerResponse): unknown => {
    const respond = (status: number, value: object): unknown =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(value));
    const fail = (type: string): unknown => respond(400, { __type: type, message: `simulated ${type}` });
    const operation = /^Logs_20140328\.(\w+)$/.exec(String(request.headers['x-amz-target']))?.[1] ?? '';
    requests.push(operation);
    const signed = /Credential=AKIA\w+\/\d{8}\/[a-z0-9-]+\/logs\/aws4_request,/.test(
      String(request.headers.authorization),
    );
    if (!signed || request.headers['content-type'] !== 'application/x-amz-json-1.1') {
      return fail('IncompleteSignatureException');
    }
    if (denied.has(operation)) return fail('AccessDeniedException');
    const { logGroupName: group, logStreamName: stream = '', logEvents = [] }: Input = JSON.parse(body);
    const key = `${group}|${stream}`;
    switch (operation) {
      case 'CreateLogGroup':
        if (groups.has(group)) return fail('ResourceAlreadyExistsException');
        groups.add(group);
        return respond(200, {});
      case 'CreateLogStream':
        if (!groups.has(group)) return fail('ResourceNotFoundException');
        if (streams.has(key)) return fail('ResourceAlreadyExistsException');
        streams.set(key, []);
        return respond(200, {});
      case 'PutLogEvents': {
        const written = streams.get(key);
        if (written === undefined) return fail('ResourceNotFoundException');
        if (!isBatch(logEvents)) return fail('InvalidParameterException');
        written.push(...logEvents.map(({ message }) => message));
        return respond(200, { nextSequenceToken: 'unused' });
      }
      default:
        return fail('UnknownOperationException');
    }
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams,
    requests,
    denied,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Source: CloudWatch Logs API Reference, PutLogEvents. */
function isBatch(events: NonNullable<Input['logEvents']>): boolean {
  const bytes = events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0);
  const ordered = events.every(({ timestamp }, index) => timestamp >= (events[index - 1]?.timestamp ?? 0));
  const full = events.every(({ message }) => message !== '');
  return events.length >= 1 && events.length <= 10_000 && bytes <= 1_048_576 && ordered && full;
}
