import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { putImagePackages } from '../../state/transitions/put-image-packages.ts';
import { capture } from '../../toe/capture.ts';
import { BuildFailure } from '../../util/faults.ts';
import { plainText } from '../plain-text.ts';
import { instanceOf, type StepAction, type StepContext, type StepInputs, type StepResult } from './step-action.ts';

/** Only reads: it can be done as often as is wanted. */
export const collectImageMetadata: StepAction = { definition: WORKFLOW_ACTIONS.CollectImageMetadata, run, resume: run };

export interface ImageMetadata {
  /** Name and version id of os-release, e.g. `Debian GNU/Linux 12`; undefined when the guest does not say. */
  readonly osVersion: string | undefined;
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

/** A package list of 10,000 packages takes well below 1 MiB. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;

const SCRIPT = `
cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null
echo '--packages--'
if command -v dpkg-query >/dev/null 2>&1; then
  dpkg-query --show --showformat '\${db:Status-Abbrev}\\t\${Package}\\t\${Version}\\n' | sed -n 's/^.i.\\t//p'
elif command -v rpm >/dev/null 2>&1; then
  rpm --query --all --queryformat '%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n'
elif command -v apk >/dev/null 2>&1; then
  apk info --verbose --verbose 2>/dev/null | sed 's/ - .*//; s/-\\([^-]*-r[0-9]*\\)$/\\t\\1/'
fi
`;

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, claim, progress, monitor, signal } = context;
  const { instance } = instanceOf(inputs, context);
  const command = { argv: ['sh', '-c', SCRIPT] as const, signal };
  const { code, stdout, stderr, complete } = await capture(instance.target, command, MAX_OUTPUT_BYTES);
  if (code !== 0) throw new BuildFailure(`The package list could not be read: exit status ${code}\n${stderr.trim()}`);
  if (!complete) throw new BuildFailure(`The package list is longer than ${MAX_OUTPUT_BYTES} bytes`);
  const { osVersion, packages } = parseMetadata(stdout);
  progress.osVersion = osVersion ?? progress.osVersion;
  await putImagePackages(engine.db, claim, { osVersion, packages });
  monitor.line('kiln', `${osVersion ?? 'Unknown operating system'}, ${packages.length} packages`);
  return { outputs: osVersion === undefined ? {} : { osVersion } };
}

/** Reads what the script printed: os-release, a mark, and `name TAB version` lines. */
export function parseMetadata(output: string): ImageMetadata {
  const [release = '', list = ''] = plainText(output).split('--packages--\n', 2);
  const fields = new Map<string, string>();
  for (const line of release.split('\n')) {
    const match = /^([A-Z_]+)=(.*)$/.exec(line.trim());
    if (match?.[1] !== undefined) fields.set(match[1], unquote(match[2] ?? ''));
  }
  const osVersion = [fields.get('NAME'), fields.get('VERSION_ID')].filter((part) => part !== undefined).join(' ');
  const packages = list
    .split('\n')
    .map((line) => line.split('\t'))
    .flatMap(([name, version]) => (name === undefined || version === undefined ? [] : [{ name, version }]))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { osVersion: osVersion === '' ? undefined : osVersion, packages };
}

/** os-release values are quoted as in a shell; inside double quotes a backslash escapes `"`, `$`, `` ` `` and itself. */
function unquote(value: string): string {
  const quote = value[0];
  if ((quote !== '"' && quote !== "'") || !value.endsWith(quote) || value.length < 2) return value;
  const inner = value.slice(1, -1);
  return quote === '"' ? inner.replace(/\\(["$`\\])/g, '$1') : inner;
}
