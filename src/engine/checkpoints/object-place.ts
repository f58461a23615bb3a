import { parseObjectUri } from '../../toe/object-uri.ts';
import type { ObjectPlace } from '../../toe/run-services.ts';

/** Where the objects of `s3://bucket/key` or `s3://bucket/prefix*` are; undefined for what is no such address. */
export function objectPlace(uri: string | undefined, expectedOwner: string | undefined): ObjectPlace | undefined {
  if (uri === undefined) return undefined;
  try {
    const place = parseObjectUri(uri, expectedOwner);
    const star = place.key.indexOf('*');
    return star === -1 ? place : { ...place, key: place.key.slice(0, star) };
  } catch {
    // The step that has it will say what is wrong with it.
    return undefined;
  }
}
