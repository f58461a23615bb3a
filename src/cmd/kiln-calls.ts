/** Calls that no client of AWS's has for us: Kiln's own operations, its events, and CloudWatch Logs. */
import type { EventLine } from '../contract/kiln-operations.ts';
import type { LogOperationName, LogOperations } from '../contract/log-operations.ts';
import { readLines, refusalOf, type ServiceAddress, signedFetch } from './service-client.ts';

/** Throws what the service refuses it with. */
export async function callKiln(
  address: ServiceAddress,
  operation: string,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const request = { method: 'POST', path: `/kiln/v1/operations/${operation}`, body: JSON.stringify(input) };
  const response = await signedFetch(address, request, signal);
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as Readonly<Record<string, unknown>>;
}

/** The events after a position; with `follow` it goes on. */
export async function* readServiceEvents(
  address: ServiceAddress,
  { after, follow }: { readonly after: string; readonly follow: boolean },
  signal: AbortSignal,
): AsyncGenerator<EventLine> {
  const query = { after, follow: String(follow) };
  const response = await signedFetch(address, { path: '/kiln/v1/events', query }, signal);
  if (!response.ok || response.body === null) throw await refusalOf(response);
  yield* readLines<EventLine>(response.body, "'kiln events' shows them when it runs again.", signal);
}

export async function callLogs<Name extends LogOperationName>(
  address: ServiceAddress,
  operation: Name,
  input: Parameters<LogOperations[Name]>[0],
  signal: AbortSignal,
): Promise<Awaited<ReturnType<LogOperations[Name]>>> {
  const request = {
    method: 'POST',
    path: '/',
    body: JSON.stringify(input),
    service: 'logs',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Logs_20140328.${operation}` },
  };
  const response = await signedFetch(address, request, signal);
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as Awaited<ReturnType<LogOperations[Name]>>;
}
