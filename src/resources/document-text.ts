import { AwsError, invalidParameter } from '../contract/errors.ts';
import type { Service } from './service.ts';

/** A document in the request itself or where a URI says, each with the member that carries it. */
export interface DocumentSource {
  readonly inline: { readonly member: string; readonly text: string | undefined };
  readonly uri: { readonly member: string; readonly text: string | undefined };
}

/** `data` and `uri`, as most operations call them. */
export function dataOrUri(input: { data?: string | undefined; uri?: string | undefined }): DocumentSource {
  return { inline: { member: 'data', text: input.data }, uri: { member: 'uri', text: input.uri } };
}

/** The document, and the member that problems with it are told of. Exactly one of the two must be there. */
export async function readDocument(
  service: Service,
  { inline, uri }: DocumentSource,
): Promise<{ member: string; text: string }> {
  if (inline.text !== undefined && uri.text === undefined) return { member: inline.member, text: inline.text };
  if (uri.text === undefined || inline.text !== undefined) {
    throw new AwsError(
      'InvalidParameterCombinationException',
      `Exactly one of the parameters '${inline.member}' and '${uri.member}' must be given.`,
    );
  }
  const text = await service.readUri(uri.text);
  // Inline text was checked by the contract; neither can be stored.
  if (text.includes('\0') || !text.isWellFormed()) throw invalidParameter(uri.member, 'The document is not text.');
  return { member: uri.member, text };
}
