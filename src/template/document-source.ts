import { constants, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { coerceError } from '../util/faults.ts';
import { InvalidDocumentError, type Problem, type SourcePosition } from '../util/problem.ts';
import { DOCUMENT_MEMBERS, type DocumentMembers, type ParsedDocument } from './document-members.ts';
import { type EncodedProperties, PendingText } from './encode-properties.ts';
import type { Template } from './read-template.ts';
import type { ResourceTypeName } from './resource-types.ts';
import { joinParts } from './values.ts';

/** The document of a component, workflow or container recipe, read and checked before anything is created. */
export interface DocumentSource extends ParsedDocument {
  readonly problems: readonly Problem[];
  /** The content of the file that the URI names; undefined for any other document. */
  readonly document: string | undefined;
}

/** Bytes of a document. Source: EC2 Image Builder endpoints and quotas. */
const MAX_DOCUMENT_BYTES = 64 * 1024;

const NOTHING: DocumentSource = { problems: [], document: undefined };

/**
 * Reads the document of a resource from the template itself or from the file that its URI names: one beside the
 * template, or an asset of CDK.
 *
 * @param assets files by the URI that they will have (asset-manifest.ts)
 */
export async function readDocumentSource(
  template: Template,
  { logicalId, type }: { readonly logicalId: string; readonly type: ResourceTypeName },
  { input, positions }: EncodedProperties,
  assets: ReadonlyMap<string, string>,
): Promise<DocumentSource> {
  const members = DOCUMENT_MEMBERS[type];
  if (members === undefined) return NOTHING;
  const place = positions.get(members.uri) ?? positions.get(members.data) ?? { line: 1, column: 1 };
  const parse = (text: string, name: string) => members.parse(text, name, input);
  const uri = input[members.uri];
  if (typeof uri === 'string') {
    const asset = assets.get(uri);
    if (asset !== undefined) return readFromFile(template.file, asset, asset, place, parse);
    if (/^s3:/i.test(uri)) return NOTHING;
    if (/^[a-z][a-z0-9+.-]*:/i.test(uri)) {
      const message = `'${uri}' names neither a file beside the template nor an object of S3.`;
      return refused(template.file, place, message, 'download it beside the template, and give the path from there');
    }
    const folder = dirname(template.file);
    return readFromFile(template.file, resolve(folder, uri), folder === '.' ? uri : `${folder}/${uri}`, place, parse);
  }
  if (uri !== undefined) return refused(template.file, place, 'A URI of a document must not depend on a resource.');
  return readInline(template, `${logicalId}.Data`, input[members.data], place, parse);
}

type Parse = (text: string, name: string) => ReturnType<DocumentMembers['parse']>;

function readInline(
  template: Template,
  label: string,
  data: unknown,
  place: SourcePosition,
  parse: Parse,
): DocumentSource {
  const text = data instanceof PendingText ? withPlaceholders(data) : String(data ?? '');
  const origin = originOfBlock(template.text, text, place);
  const name = origin === undefined ? `${template.file}#${label}` : template.file;
  const move = (problem: Problem): Problem =>
    origin === undefined
      ? problem
      : {
          ...problem,
          position: { line: problem.position.line + origin.line, column: problem.position.column + origin.column },
        };
  return { ...check(text, name, parse, move), document: undefined };
}

/** What a resource will tell is an ARN or a name, and for the syntax of the document any text does. */
function withPlaceholders(text: PendingText): string {
  return joinParts(text.parts, ({ logicalId, attribute }) => `${logicalId}.${attribute}`) ?? '';
}

/** How far the lines of a literal block (`Data: |`) are from the beginning of the template; else undefined. */
function originOfBlock(source: string, text: string, header: SourcePosition): SourcePosition | undefined {
  const lines = source.split('\n');
  if (!lines[header.line - 1]?.slice(header.column - 1).startsWith('|')) return undefined;
  const first = text.split('\n')[0] ?? '';
  const below = lines[header.line] ?? '';
  // Substitutions and leading blank lines change the text: then places in it are not places in the template.
  return first !== '' && below.trim() === first.trim()
    ? { line: header.line, column: below.indexOf(first) }
    : undefined;
}

async function readFromFile(
  templateFile: string,
  file: string,
  name: string,
  place: SourcePosition,
  parse: Parse,
): Promise<DocumentSource> {
  let content: Buffer;
  try {
    // Opening a pipe must not wait for somebody to write to it.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await handle.stat();
    if (!status.isFile()) return refused(templateFile, place, `The URI names '${name}', which is not a file.`);
    if (status.size > MAX_DOCUMENT_BYTES) {
      const message = `The document '${name}' has ${status.size} bytes; at most ${MAX_DOCUMENT_BYTES} are allowed.`;
      return refused(templateFile, place, message);
    }
    content = await handle.readFile();
  } catch (thrown) {
    const error = coerceError(thrown);
    const reason = 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : error.message;
    return refused(templateFile, place, `The document '${name}' cannot be read: ${reason}.`, file);
  }
  const document = content.toString('utf8');
  return { ...check(document, name, parse, (problem) => problem), document };
}

function check(
  text: string,
  name: string,
  parse: Parse,
  move: (problem: Problem) => Problem,
): { readonly problems: readonly Problem[] } & ParsedDocument {
  try {
    return { problems: [], ...parse(text, name) };
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    return { problems: error.problems.map(move) };
  }
}

function refused(file: string, position: SourcePosition, message: string, hint?: string): DocumentSource {
  const problem = { file, position, message };
  return { problems: [hint === undefined ? problem : { ...problem, hint }], document: undefined };
}
