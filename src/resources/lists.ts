/**
 * How every list operation pages and filters.
 *
 * Pages follow a key of the rows (creation order, or name and version), so a page never repeats or skips what was there
 * when the first page was read, whatever is created or deleted in between. Tokens are sealed and belong to one
 * operation with its parameters.
 */
import { createHash } from 'node:crypto';
import { slugOf } from '../contract/arn.ts';
import { AwsError, invalidParameter } from '../contract/errors.ts';
import type { OperationName, Partly } from '../contract/operations.ts';
import { didYouMean } from '../util/problem.ts';
import { canonicalJson } from './idempotency.ts';
import { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';

/** Where a page ended: the key of its last row. */
export type Cursor = readonly (string | number)[];

interface RequestedFilter {
  name?: string | undefined;
  values?: string[] | undefined;
}

export interface ListRequest {
  maxResults?: number | undefined;
  nextToken?: string | undefined;
  filters?: RequestedFilter[] | undefined;
}

/** The filters of an operation by name: whether a row has the value. Names and values are case-sensitive. */
export type Filters<Row> = Readonly<Record<string, (row: Row, value: string) => boolean>>;

export interface Listing<Row, Item> {
  readonly operation: OperationName;
  readonly filters?: Filters<Row>;
  /**
   * At most `limit` rows in the order of their keys, from the first row after `after`. With `slugs`, rows with other
   * slugs may be left out, because none of them can be wanted.
   */
  readonly read: (
    after: Cursor | undefined,
    limit: number,
    slugs: readonly string[] | undefined,
  ) => Promise<readonly Row[]>;
  readonly cursor: (row: Row) => Cursor;
  readonly item: (row: Row) => Item;
}

export interface Page<Item> {
  items: Item[];
  nextToken?: string;
}

const DEFAULT_PAGE_SIZE = 25;
/** Rows read at a time, at most, when a filter has to look for its matches. */
const LARGEST_BATCH = 400;

/**
 * One page. Throws InvalidPaginationTokenException for a token that was not made for this request and
 * InvalidParameterValueException for a filter that the operation does not have.
 */
export async function listPage<Row, Item>(
  service: Service,
  request: ListRequest,
  listing: Listing<Row, Item>,
): Promise<Page<Item>> {
  const size = request.maxResults ?? DEFAULT_PAGE_SIZE;
  const known = listing.filters ?? {};
  const problems = new RequestProblems();
  checkFilters(request.filters, known, problems);
  problems.throwIfAny();
  const matches = matcher(request.filters ?? [], known);
  const found: Row[] = [];
  const slugs = slugsOf(request.filters);
  let after = cursorOf(service, request, listing.operation);
  // Most filters match most rows, and then the first batch is the page.
  for (let limit = size + 1; ; limit = Math.min(4 * limit, LARGEST_BATCH)) {
    const rows = await listing.read(after, limit, slugs);
    found.push(...rows.filter(matches));
    const last = rows.at(-1);
    if (found.length > size || rows.length < limit || last === undefined) break;
    after = listing.cursor(last);
  }
  const page = found.slice(0, size);
  const last = page.at(-1);
  const items = page.map((row) => listing.item(row));
  if (found.length <= size || last === undefined) return { items };
  const token = { operation: listing.operation, of: hashOf(request), after: listing.cursor(last) };
  return { items, nextToken: service.pageTokens.seal(token) };
}

/** Those that rows with the wanted names have; undefined when names do not matter. */
function slugsOf(filters: readonly RequestedFilter[] = []): readonly string[] | undefined {
  const byName = filters.find(({ name }) => name === 'name');
  return byName?.values?.map(slugOf);
}

function cursorOf(service: Service, request: ListRequest, operation: OperationName): Cursor | undefined {
  if (request.nextToken === undefined) return undefined;
  const token = service.pageTokens.open(request.nextToken);
  if (token['operation'] !== operation || token['of'] !== hashOf(request) || !Array.isArray(token['after'])) {
    throw new AwsError(
      'InvalidPaginationTokenException',
      'The nextToken was made for another operation or for other parameters.',
    );
  }
  return token['after'] as Cursor;
}

/** The page size may change from page to page, nothing else. */
function hashOf(request: ListRequest): string {
  const { maxResults: _size, nextToken: _token, ...parameters } = request;
  return createHash('sha256').update(canonicalJson(parameters)).digest('base64url').slice(0, 16);
}

function matcher<Row>(requested: readonly RequestedFilter[], known: Filters<Row>): (row: Row) => boolean {
  const conditions = requested.flatMap(({ name = '', values = [] }) => {
    const has = Object.hasOwn(known, name) ? known[name] : undefined;
    return has === undefined ? [] : [(row: Row) => values.some((value) => has(row, value))];
  });
  return (row) => conditions.every((condition) => condition(row));
}

/** Reports filters that the list does not have or that select nothing. */
export function checkFilters(
  requested: Partly<RequestedFilter[]> = [],
  known: Filters<never>,
  problems: RequestProblems,
): void {
  for (const [index, filter] of requested.entries()) {
    if (problems.isFull) return;
    checkFilter(filter, `filters[${index}]`, known, problems);
  }
}

/** As {@link checkFilters}, for the filter at a path. */
export function checkFilter(
  filter: Partly<RequestedFilter> | undefined,
  path: string,
  known: Filters<never>,
  problems: RequestProblems,
): void {
  if (filter === undefined) return;
  const { name, values = [] } = filter;
  if (name === undefined || !Object.hasOwn(known, name)) {
    problems.add(unknownFilter(`${path}.name`, name, Object.keys(known)));
  }
  if (values.length === 0) problems.add(invalidParameter(`${path}.values`, 'A filter needs at least one value.'));
}

function unknownFilter(path: string, name: string | undefined, known: readonly string[]): AwsError {
  const meant = name === undefined ? undefined : didYouMean(name, known);
  const allowed = known.length === 0 ? 'This list has no filters.' : `Filter names are ${known.join(', ')}.`;
  const suggestion = meant === undefined ? '' : ` Did you mean '${meant}'?`;
  return invalidParameter(path, `${allowed}${suggestion}`);
}

/** A filter on a single value. */
export function byValue<Row>(member: (row: Row) => unknown): (row: Row, value: string) => boolean {
  return (row, value) => member(row) === value;
}

/** A filter on versions: `1.x.x` matches every version with major 1; `1.0.0/3` only that build. */
export function byVersion<Row>(
  versionOf: (row: Row) => { version: string | null; build?: number | null },
): (row: Row, value: string) => boolean {
  return (row, value) => {
    const { version, build } = versionOf(row);
    const [wantedVersion = '', wantedBuild] = value.split('/');
    if (wantedBuild !== undefined && (build === undefined || Number(wantedBuild) !== build)) return false;
    const nodes = (version ?? '').split('.');
    const wanted = wantedVersion.split('.');
    return (
      wanted.length === nodes.length &&
      wanted.every((node, index) => node === 'x' || (node !== '' && Number(node) === Number(nodes[index])))
    );
  };
}
