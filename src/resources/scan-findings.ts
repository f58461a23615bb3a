/** Images are not scanned yet, which every request that asks for a scan is told; so there are no findings. */
import { invalidParameter } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { type Filters, type ListRequest, listPage } from './lists.ts';
import { NOTHING } from './owners.ts';
import type { Service } from './service.ts';

const none = (): boolean => false;
const BY_PLACE: Filters<object> = { imageBuildVersionArn: none, imagePipelineArn: none, vulnerabilityId: none };

export async function listImageScanFindings(
  service: Service,
  input: InputOf<'ListImageScanFindings'>,
): Promise<OutputOf<'ListImageScanFindings'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImageScanFindings',
    filters: { ...BY_PLACE, severity: none },
    ...NOTHING,
    item: (finding: object) => finding,
  });
  return { findings: items, ...next };
}

/** Without a filter, findings are counted for the account. */
export async function listImageScanFindingAggregations(
  service: Service,
  { filter, nextToken }: InputOf<'ListImageScanFindingAggregations'>,
): Promise<OutputOf<'ListImageScanFindingAggregations'>> {
  if (filter !== undefined && filter.name === undefined) {
    throw invalidParameter('filter.name', 'A filter needs a name.');
  }
  const request: ListRequest = { nextToken, filters: filter === undefined ? undefined : [filter] };
  const { items, ...next } = await listPage(service, request, {
    operation: 'ListImageScanFindingAggregations',
    filters: { accountId: none, ...BY_PLACE },
    ...NOTHING,
    item: (aggregation: object) => aggregation,
  });
  return { aggregationType: filter?.name ?? 'accountId', responses: items, ...next };
}
