import { constants, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { DocumentOs } from '../documents/action-modules/module.ts';
import type { ComponentDocument } from '../documents/component.ts';
import { parseComponent } from '../documents/parse-component.ts';
import { coerceError } from '../util/faults.ts';
import { InvalidDocumentError, type Problem, type SourcePosition } from '../util/problem.ts';
import { type EncodedProperties, PendingText } from './encode-properties.ts';
import type { Template } from './read-template.ts';

/** A component's document, read and checked before anything is created. */
export interface ComponentSource {
  readonly problems: readonly Problem[];
  /** Undefined when it is wrong, or when only the service can read it (`s3://`). */
  readonly component: ComponentDocument | undefined;
  /** The content of the file that `Uri` names; undefined for any other component. */
  readonly document: string | undefined;
}

/** Bytes of a component document. Source: EC2 Image Builder endpoints and quotas. */
const MAX_DOCUMENT_BYTES = 64 * 1024;

/** Reads a component document from the template's `Data` or from the file that its `Uri` names. */
export async function readComponentSource(
  template: Template,
  logicalId: string,
  { input, positions }: EncodedProperties,
): Promise<ComponentSource> {
  const place = positions.get('uri') ?? positions.get('data') ?? { line: 1, column: 1 };
  const uri = input['uri'];
  if (typeof uri === 'string') {
    if (/^[a-z][a-z0-9+.-]*:/i.test(uri)) return { problems: [], component: undefined, document: undefined };
    return readFromFile(template.file, uri, place, osOf(input['platform']));
  }
  if (uri !== undefined) return refused(template.file, place, 'Uri must not depend on a resource.');
  return readInline(template, logicalId, input['data'], place, osOf(input['platform']));
}

function readInline(
  template: Template,
  logicalId: string,
  data: unknown,
  place: SourcePosition,
  os: DocumentOs,
): ComponentSource {
  const text = data instanceof PendingText ? withPlaceholders(data) : String(data ?? '');
  const origin = originOfBlock(template.text, text, place);
  const name = origin === undefined ? `${template.file}#${logicalId}.Data` : template.file;
  const move = (problem: Problem): Problem =>
    origin === undefined
      ? problem
      : {
          ...problem,
          position: { line: problem.position.line + origin.line, column: problem.position.column + origin.column },
        };
  return { ...parse(text, name, os, move), document: undefined };
}

/** Which action modules there are is a matter of the platform; a wrong platform is refused by the contract. */
function osOf(platform: unknown): DocumentOs {
  return platform === 'Windows' ? 'windows' : platform === 'macOS' ? 'macos' : 'linux';
}

/** What a resource will tell is an ARN or a name, and for the syntax of the document any text does. */
function withPlaceholders(text: PendingText): string {
  return text.parts.map((part) => (typeof part === 'string' ? part : `${part.logicalId}.${part.attribute}`)).join('');
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
  uri: string,
  place: SourcePosition,
  os: DocumentOs,
): Promise<ComponentSource> {
  const file = resolve(dirname(templateFile), uri);
  let content: Buffer;
  try {
    // Opening a pipe must not wait for somebody to write to it.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await handle.stat();
    if (!status.isFile()) return refused(templateFile, place, `Uri names '${uri}', which is not a file.`);
    if (status.size > MAX_DOCUMENT_BYTES) {
      const message = `The component document '${uri}' has ${status.size} bytes; at most ${MAX_DOCUMENT_BYTES} are allowed.`;
      return refused(templateFile, place, message);
    }
    content = await handle.readFile();
  } catch (thrown) {
    const error = coerceError(thrown);
    const reason = 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : error.message;
    return refused(templateFile, place, `The component document '${uri}' cannot be read: ${reason}.`, file);
  }
  const document = content.toString('utf8');
  const name = dirname(templateFile) === '.' ? uri : `${dirname(templateFile)}/${uri}`;
  return { ...parse(document, name, os, (problem) => problem), document };
}

function parse(
  text: string,
  name: string,
  os: DocumentOs,
  move: (problem: Problem) => Problem,
): { readonly problems: readonly Problem[]; readonly component: ComponentDocument | undefined } {
  try {
    return { problems: [], component: parseComponent(text, name, { os }) };
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    return { problems: error.problems.map(move), component: undefined };
  }
}

function refused(file: string, position: SourcePosition, message: string, hint?: string): ComponentSource {
  const problem = { file, position, message };
  return { problems: [hint === undefined ? problem : { ...problem, hint }], component: undefined, document: undefined };
}
