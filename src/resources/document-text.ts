import { invalidParameter } from '../contract/errors.ts';
import { notExactlyOne } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';

/** A document in the request itself or where a URI says, each with the member that carries it. */
export interface DocumentSource {
  readonly inline: { readonly member: string; readonly text: string | undefined };
  readonly uri: { readonly member: string; readonly text: string | undefined };
}

/** The text of a document, and the member that problems with it are told of. */
export interface DocumentText {
  readonly member: string;
  readonly text: string;
}

/** `data` and `uri`, as most operations call them. */
export function dataOrUri(input: {
  readonly data?: string | undefined;
  readonly uri?: string | undefined;
}): DocumentSource {
  return { inline: { member: 'data', text: input.data }, uri: { member: 'uri', text: input.uri } };
}

/** The document that the request carries, if it is the only one. Reports when there is not exactly one source. */
export function inlineDocument({ inline, uri }: DocumentSource, problems: RequestProblems): DocumentText | undefined {
  if ((inline.text === undefined) === (uri.text === undefined)) {
    problems.add(notExactlyOne(inline.member, uri.member));
    return undefined;
  }
  return inline.text === undefined ? undefined : { member: inline.member, text: inline.text };
}

/** The document where the URI says; undefined without a URI. Throws what is wrong with it. */
export async function documentAtUri(
  service: Service,
  { uri }: Pick<DocumentSource, 'uri'>,
): Promise<DocumentText | undefined> {
  if (uri.text === undefined) return undefined;
  const text = await service.readUri(uri.text);
  // Inline text was checked by the contract; neither can be stored.
  if (text.includes('\0') || !text.isWellFormed()) throw invalidParameter(uri.member, 'The document is not text.');
  return { member: uri.member, text };
}

/** What `parse` makes of the document in the request. Reports what it throws, and when there is not exactly one source. */
export function parseInline<Parsed>(
  source: DocumentSource,
  parse: (document: DocumentText) => Parsed,
  problems: RequestProblems,
): Parsed | undefined {
  const document = inlineDocument(source, problems);
  return document === undefined ? undefined : problems.attempt(() => parse(document));
}

/** `inline`, or what `parse` makes of the document at the URI. Throws what is wrong with it, with all known problems. */
export async function parsedDocument<Parsed>(
  service: Service,
  source: DocumentSource,
  inline: Parsed | undefined,
  parse: (document: DocumentText) => Parsed,
  problems: RequestProblems,
): Promise<Parsed> {
  const parsed =
    inline ??
    (await problems.collect(async () => {
      const document = await documentAtUri(service, source);
      return document === undefined ? undefined : parse(document);
    }));
  problems.throwIfAny();
  // Without problems there is exactly one source, and it was read.
  return parsed as Parsed;
}
