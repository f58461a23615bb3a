import type { OperationName } from '../contract/operations.ts';

/** The members of a definition, as Create takes them and Get gives them. */
export type Members = Readonly<Record<string, unknown>>;

/**
 * Calls an operation of the service, with every member that the contract knows: the SDK's client would leave out those
 * that are newer than itself. Rejects with an error that is named as the service names it (ResourceNotFoundException);
 * of those that are about the request, `$fault` is `client`.
 */
export type ServiceCall = (operation: OperationName, input: Members, signal: AbortSignal) => Promise<Members>;

/** Whether the service answered with this error. */
export function isRefusal(error: unknown, name: string): error is Error {
  return error instanceof Error && error.name === name && '$fault' in error && error.$fault === 'client';
}

/** All items of a list, page by page. */
export async function* listItems(
  call: ServiceCall,
  operation: OperationName,
  input: Members,
  member: string,
  signal: AbortSignal,
): AsyncIterable<Members> {
  let nextToken: unknown;
  do {
    const request = { ...input, maxResults: 25, ...(nextToken === undefined ? {} : { nextToken }) };
    const page = await call(operation, request, signal);
    yield* (page[member] ?? []) as readonly Members[];
    nextToken = page['nextToken'];
  } while (nextToken !== undefined);
}
