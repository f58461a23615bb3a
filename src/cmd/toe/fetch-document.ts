import { parseObjectUri, readObjectText } from '../../toe/object-uri.ts';
import type { RunServices } from '../../toe/run-services.ts';
import { UsageError } from '../command.ts';
import { type FetchDocument, MAX_DOCUMENT_BYTES } from './documents.ts';

/** Gets component documents that are not files of this machine. */
export function fetcher(services: RunServices, bucketOwner: string | undefined): FetchDocument {
  return async (id, signal) => {
    if (id.startsWith('s3://')) {
      return readObjectText(parseObjectUri(id, bucketOwner), MAX_DOCUMENT_BYTES, services, signal);
    }
    if (services.components === undefined) throw new UsageError(`${id}: no service for components is known`);
    return (await services.components(id, signal)).text;
  };
}
