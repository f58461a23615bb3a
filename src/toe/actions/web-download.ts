import { randomBytes } from 'node:crypto';
import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import type { InputsOf } from '../../documents/action-modules/module.ts';
import { whatIsWrongWithChecksum } from '../../documents/component-inputs.ts';
import { DIGEST_FUNCTION } from '../digest.ts';
import { StepFailedError } from '../step-failed.ts';
import { type ActionContext, listAction, runScript, whatItSaid } from './action.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

const TRIES = 5;
const FIRST_PAUSE_MS = 1_000;
/** Exit status of the script when another try may help. */
const TRY_AGAIN = 75;

/**
 * Runs on the target, never here: a download by the builder would reach whatever the builder's network reaches. The
 * URL comes by standard input because it may hold a signature that process lists must not show.
 */
const WEB_DOWNLOAD = `${FAIL_FUNCTION}${DIGEST_FUNCTION}
destination=$1 overwrite=$2 algorithm=$3 checksum=$4 insecure=$5 part=$6
again() { printf '%s\\n' "$1" >&2; exit ${TRY_AGAIN}; }
IFS= read -r url
[ -d "$destination" ] && fail "$destination is a folder: end the destination with / to put the file into it"
if [ -e "$destination" ]; then
  [ "$overwrite" = true ] || fail "$destination exists and overwrite is false"
  [ -n "$checksum" ] && [ "$(digest "$algorithm" "$destination")" = "$checksum" ] && exit 0
fi
mkdir -p -- "\${destination%/*}/" || exit 1
trap 'rm -f -- "$part" "$part.log"' EXIT
trap 'exit 143' HUP INT TERM
if command -v curl >/dev/null 2>&1; then
  [ "$insecure" = true ] && set -- --insecure || set --
  status=$(printf 'url = "%s"\\n' "$url" | curl --config - --silent --show-error --globoff --location --max-redirs 20 \\
    --proto =http,https --proto-redir =http,https --connect-timeout 30 --speed-limit 1 --speed-time 120 --output "$part" --write-out '%{http_code}' "$@") ||
    again "curl ended with exit status $?"
elif command -v wget >/dev/null 2>&1; then
  [ "$insecure" = true ] && set -- --no-check-certificate || set --
  if wget --help 2>&1 | grep -q -- --input-file; then
    printf '%s\\n' "$url" | wget -S --tries=1 --timeout=60 --max-redirect=20 "$@" -O "$part" -i - 2> "$part.log"
  else wget -S -T 60 "$@" -O "$part" "$url" 2> "$part.log"
  fi
  code=$?
  status=$(sed -n 's|^ *HTTP/[0-9.]* \\([0-9][0-9][0-9]\\).*|\\1|p' "$part.log" | tail -n 1)
  [ "$code" = 0 ] || [ -n "$status" ] || { cat "$part.log" >&2; again "wget ended with exit status $code"; }
  [ "$code" = 0 ] || [ "$status" != 200 ] || again "wget ended with exit status $code"
else fail "WebDownload needs curl or wget on the machine, and it has neither"
fi
[ "$status" = 200 ] || again "the server answered with HTTP status \${status:-unknown}"
# An empty answer may leave no file behind.
[ -e "$part" ] || : > "$part"
if [ -n "$checksum" ]; then
  actual=$(digest "$algorithm" "$part")
  [ "$actual" = "$checksum" ] || again "the $algorithm checksum is $actual, not $checksum"
fi
mv -f -- "$part" "$destination"
`;

type Inputs = InputsOf<typeof ACTION_MODULES.WebDownload>;

export const webDownload = listAction(ACTION_MODULES.WebDownload, async (inputs, context) => {
  const wrong = whatIsWrongWithChecksum(inputs.checksum, inputs.algorithm);
  if (wrong !== undefined) throw new StepFailedError(wrong);
  const destination = destinationOf(inputs, context);
  for (let attempt = 1; ; attempt++) {
    const part = `${destination}.kiln-${randomBytes(6).toString('hex')}`;
    const result = await runScript(
      context,
      WEB_DOWNLOAD,
      [
        destination,
        String(inputs.overwrite),
        inputs.algorithm ?? '',
        inputs.checksum?.toLowerCase() ?? '',
        String(inputs.ignoreCertificateErrors),
        part,
      ],
      { stdin: `${inputs.source}\n`, survives: true },
    );
    if (result.code === 0) return { destination };
    if (result.code !== TRY_AGAIN || attempt === TRIES) {
      const tries = attempt === 1 ? '' : ` after ${attempt} tries`;
      throw new StepFailedError(`cannot download to ${destination}${tries}: ${whatItSaid(result)}`);
    }
    const pause = FIRST_PAUSE_MS * 2 ** (attempt - 1);
    context.output.note(`WebDownload: try ${attempt} of ${TRIES} failed, the next is in ${pause / 1000} s`);
    await context.delay(pause, context.signal);
  }
});

function destinationOf({ source, destination }: Inputs, context: ActionContext): string {
  const path = context.workspace.absolute(destination);
  if (!path.endsWith('/')) return path;
  const name = new URL(source).pathname.split('/').at(-1) ?? '';
  if (name === '') throw new StepFailedError('the URL ends with no file name, so the destination must have one');
  return path + name;
}
