import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { StepFailedError } from '../step-failed.ts';
import { listAction, mustRun } from './action.ts';
import { decodeText, encodingNamed } from './encoding.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

/** Bytes that a file may have to become an output. */
const MAX_BYTES = 1024 * 1024;

const READ_FILE = `${FAIL_FUNCTION}
[ -d "$1" ] && fail "$1 is a folder"
[ -e "$1" ] || fail "there is no file $1"
head -c "$2" < "$1"
`;

export const readFile = listAction(ACTION_MODULES.ReadFile, async (inputs, context) => {
  const path = context.workspace.absolute(inputs.path);
  const chunks: Buffer[] = [];
  await mustRun(context, READ_FILE, [path, String(MAX_BYTES + 1)], { onStdout: (chunk) => chunks.push(chunk) });
  const bytes = Buffer.concat(chunks);
  if (bytes.length > MAX_BYTES) throw new StepFailedError(`${path} is larger than ${MAX_BYTES} bytes`);
  const content = decodeText(bytes, encodingNamed(inputs.encoding));
  if (content === undefined) throw new StepFailedError(`${path} is not ${inputs.encoding} text`);
  if (inputs.printFileContent) context.output.show(content);
  return { content };
});
