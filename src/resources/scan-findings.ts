/** Images are not scanned yet, which every request that asks for a scan is told; so there are no findings. */
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import { checkFilter, type Filters, type ListRequest, listPage } from './lists.ts';
import { NOTHING } from './owners.ts';
import { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';

const none = (): boolean => false;
const BY_PLACE: Filters<object> = { imageBuildVersionArn: none, imagePipelineArn: none, vulnerabilityId: none };
/** Of single findings. */
export const FINDING_FILTERS: Filters<object> = { ...BY_PLACE, severity: none };
const AGGREGATION_FILTERS: Filters<object> = { accountId: none, ...BY_PLACE };

export async function listImageScanFindings(
  service: Service,
  input: InputOf<'ListImageScanFindings'>,
): Promise<OutputOf<'ListImageScanFindings'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImageScanFindings',
    filters: FINDING_FILTERS,
    ...NOTHING,
    item: (finding: object) => finding,
  });
  return { findings: items, ...next };
}

type AggregationsInput = InputOf<'ListImageScanFindingAggregations'>;

export function checkAggregations({ filter }: Partly<AggregationsInput>, problems: RequestProblems): void {
  checkFilter(filter, 'filter', AGGREGATION_FILTERS, problems);
}

/** Without a filter, findings are counted for the account. */
export async function listImageScanFindingAggregations(
  service: Service,
  input: AggregationsInput,
): Promise<OutputOf<'ListImageScanFindingAggregations'>> {
  const problems = new RequestProblems();
  checkAggregations(input, problems);
  problems.throwIfAny();
  const { filter, nextToken } = input;
  const request: ListRequest = { nextToken, filters: filter === undefined ? undefined : [filter] };
  const { items, ...next } = await listPage(service, request, {
    operation: 'ListImageScanFindingAggregations',
    filters: AGGREGATION_FILTERS,
    ...NOTHING,
    item: (aggregation: object) => aggregation,
  });
  return { aggregationType: filter?.name ?? 'accountId', responses: items, ...next };
}
