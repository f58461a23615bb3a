import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import type { InputsOf } from '../../documents/action-modules/module.ts';
import { whatIsWrongWithChecksum } from '../../documents/component-inputs.ts';
import { DIGEST_FUNCTION } from '../digest.ts';
import { StepFailedError } from '../step-failed.ts';
import { type ActionContext, listAction, runScript, whatItSaid } from './action.ts';
import { type Partial, partialAfter } from './partial-download.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

const TRIES = 5;
const FIRST_PAUSE_MS = 1_000;
/** Exit status of the script when another try may help. */
const TRY_AGAIN = 75;
/** How long tidying up may take. */
const REMOVE_WITHIN_MS = 3_000;

/** Runs on the target, never here: a download by the builder would reach whatever the builder's network reaches. */
const WEB_DOWNLOAD = [
  FAIL_FUNCTION,
  DIGEST_FUNCTION,
  readFileSync(new URL('./web-download.sh', import.meta.url), 'utf8'),
].join('\n');

type Inputs = InputsOf<typeof ACTION_MODULES.WebDownload>;

export const webDownload = listAction(ACTION_MODULES.WebDownload, async (inputs, context) => {
  const wrong = whatIsWrongWithChecksum(inputs.checksum, inputs.algorithm);
  if (wrong !== undefined) throw new StepFailedError(wrong);
  const destination = destinationOf(inputs, context);
  const part = `${destination}.kiln-${randomBytes(6).toString('hex')}`;
  let there: Partial | undefined;
  try {
    for (let attempt = 1; ; attempt++) {
      const result = await attemptDownload(inputs, destination, part, there, context);
      if (result.code === TRY_AGAIN) there = partialAfter(result.stdout, there, inputs.checksum !== undefined);
      else there = undefined;
      if (result.code === 0) return { destination };
      if (result.code !== TRY_AGAIN || attempt === TRIES) {
        const tries = attempt === 1 ? '' : ` after ${attempt} tries`;
        throw new StepFailedError(`cannot download to ${destination}${tries}: ${whatItSaid(result)}`);
      }
      const pause = FIRST_PAUSE_MS * 2 ** (attempt - 1);
      const goesOn = there === undefined ? '' : ` and goes on at byte ${there.bytes}`;
      context.output.note(`WebDownload: try ${attempt} of ${TRIES} failed, the next is in ${pause / 1000} s${goesOn}`);
      await context.delay(pause, context.signal);
    }
  } finally {
    if (there !== undefined) await remove(part, context);
  }
});

function attemptDownload(
  inputs: Inputs,
  destination: string,
  part: string,
  there: Partial | undefined,
  context: ActionContext,
) {
  const parameters = [
    destination,
    String(inputs.overwrite),
    inputs.algorithm ?? '',
    inputs.checksum?.toLowerCase() ?? '',
    String(inputs.ignoreCertificateErrors),
    part,
    String(there?.bytes ?? 0),
    there?.validator ?? '',
  ];
  return runScript(context, WEB_DOWNLOAD, parameters, { stdin: `${inputs.source}\n`, survives: true });
}

/** What broke off must not stay, also after the run was aborted; that it does must not hide why. */
async function remove(part: string, { target }: ActionContext): Promise<void> {
  const argv = ['rm', '-f', '--', part] as const;
  await target.run({ argv, signal: AbortSignal.timeout(REMOVE_WITHIN_MS) }).catch(() => {});
}

function destinationOf({ source, destination }: Inputs, context: ActionContext): string {
  const path = context.workspace.absolute(destination);
  if (!path.endsWith('/')) return path;
  const name = new URL(source).pathname.split('/').at(-1) ?? '';
  if (name === '') throw new StepFailedError('the URL ends with no file name, so the destination must have one');
  return path + name;
}
