import type { DocumentOs } from '../../documents/action-modules/module.ts';
import type { ComponentDocument } from '../../documents/component.ts';
import { parseComponent, STANDARD_PHASES } from '../../documents/parse-component.ts';
import { coerceError } from '../../util/faults.ts';
import { InvalidDocumentError, type Problem } from '../../util/problem.ts';
import { readStart } from '../../util/read-start.ts';
import { UsageError } from '../command.ts';

export interface DocumentSource {
  /** As the caller named it. */
  readonly id: string;
  readonly text: string;
}

export interface CheckedDocuments {
  /** Undefined where the document at this index is not valid. */
  readonly documents: readonly (ComponentDocument | undefined)[];
  readonly problems: readonly Problem[];
  /** Legal, but hardly meant. */
  readonly warnings: readonly Problem[];
}

/** Documents on this machine's disk are bounded only against mistakes; the service's limit is 64 KiB. */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** Gets a document that is not a file. */
export type FetchDocument = (id: string, signal: AbortSignal) => Promise<string>;

/** @throws UsageError for one that cannot be had. */
export async function loadDocuments(
  ids: readonly string[],
  fetchDocument: FetchDocument,
  signal: AbortSignal,
): Promise<readonly DocumentSource[]> {
  const load = async (id: string): Promise<DocumentSource> => {
    const remote = /^(s3:\/\/|arn:)/.test(id);
    try {
      return { id, text: remote ? await fetchDocument(id, signal) : await readStart(id, MAX_DOCUMENT_BYTES + 1) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UsageError) throw error;
      throw new UsageError(`cannot read the document ${id}: ${coerceError(error).message}`);
    }
  };
  return Promise.all(ids.map(load));
}

/** Checks every document for one system; all problems of all documents are collected. */
export function checkDocuments(sources: readonly DocumentSource[], os: DocumentOs): CheckedDocuments {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const documents = sources.map(({ id, text }) => {
    try {
      const document = parseComponent(text, id, {
        os,
        standardPhase: false,
        maxBytes: MAX_DOCUMENT_BYTES,
        onWarning: (warning) => warnings.push(warning),
      });
      if (!document.phases.some(({ name }) => STANDARD_PHASES.some((standard) => standard === name))) {
        warnings.push({
          file: id,
          position: document.phases[0]?.steps[0]?.position ?? { line: 1, column: 1 },
          message: 'Image Builder runs none of the phases of this document.',
          hint: `it wants one of ${STANDARD_PHASES.join(', ')}`,
        });
      }
      return document;
    } catch (error) {
      if (!(error instanceof InvalidDocumentError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  });
  return { documents, problems, warnings };
}
