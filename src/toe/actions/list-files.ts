import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { StepFailedError } from '../step-failed.ts';
import { listAction, mustRun } from './action.ts';
import { FAIL_FUNCTION, shellPattern } from './wildcard.ts';

/** Names end with NUL: they may hold line ends. The `/.` keeps the folder itself from being pruned. */
const LIST_FILES = `${FAIL_FUNCTION}
[ -d "$1" ] || fail "there is no folder $1"
if [ "$3" = true ]; then find "$1/." ! -type d -name "$2" -exec printf '%s\\0' {} +
else find "$1/." ! -name . -prune ! -type d -name "$2" -exec printf '%s\\0' {} +
fi
`;

const MAX_BYTES = 1024 * 1024;

export const listFiles = listAction(
  ACTION_MODULES.ListFiles,
  async ({ path, fileNamePattern, recursive }, context) => {
    const folder = context.workspace.absolute(path).replace(/\/+$/, '');
    const parameters = [folder === '' ? '/' : folder, shellPattern(fileNamePattern), String(recursive)];
    const { stdout, complete } = await mustRun(context, LIST_FILES, parameters, { keepBytes: MAX_BYTES });
    if (!complete) throw new StepFailedError(`the list of files is longer than ${MAX_BYTES} bytes`);
    const prefix = `${parameters[0]}/.`;
    const files = stdout
      .split('\0')
      .filter((file) => file !== '')
      .map((file) => folder + file.slice(prefix.length))
      .toSorted();
    return { files: files.join(',') };
  },
  ',',
);
