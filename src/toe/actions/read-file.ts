import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { StepFailedError } from '../step-failed.ts';
import { type ActionContext, listAction, mustRun } from './action.ts';
import { decodeText, encodeText, encodingNamed } from './encoding.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

/** Bytes that a file may have to become an output. */
export const MAX_OUTPUT_BYTES = 1024 * 1024;
/** Bytes that a file may have to be written anew in another encoding. */
export const MAX_ENCODED_BYTES = 16 * 1024 * 1024;

const READ_FILE = `${FAIL_FUNCTION}
[ -d "$1" ] && fail "$1 is a folder"
[ -e "$1" ] || fail "there is no file $1"
head -c "$2" < "$1"
`;

export const readFile = listAction(ACTION_MODULES.ReadFile, async (inputs, context) => {
  const content = await readText(inputs.path, inputs.encoding, MAX_OUTPUT_BYTES, context);
  if (inputs.printFileContent) context.output.show(content);
  return { content };
});

/** Written in place: owner and mode of the file stay. */
const WRITE_FILE = 'cat > "$1"';

export const setFileEncoding = listAction(ACTION_MODULES.SetFileEncoding, async ({ path, encoding }, context) => {
  const content = await readText(path, 'utf8', MAX_ENCODED_BYTES, context);
  const stdin = encodeText(content, encodingNamed(encoding));
  await mustRun(context, WRITE_FILE, [context.workspace.absolute(path)], { stdin });
  return {};
});

async function readText(path: string, encoding: string, maxBytes: number, context: ActionContext): Promise<string> {
  const absolute = context.workspace.absolute(path);
  const chunks: Buffer[] = [];
  // The chunks are all that is needed: nothing has to be kept as text.
  const options = { keepBytes: 0, onStdout: (chunk: Buffer) => void chunks.push(chunk) };
  await mustRun(context, READ_FILE, [absolute, String(maxBytes + 1)], options);
  const bytes = Buffer.concat(chunks);
  if (bytes.length > maxBytes) throw new StepFailedError(`${absolute} is larger than ${maxBytes} bytes`);
  const content = decodeText(bytes, encodingNamed(encoding));
  if (content === undefined) throw new StepFailedError(`${absolute} is not ${encoding} text`);
  return content;
}
