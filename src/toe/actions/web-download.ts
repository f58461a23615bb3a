import { randomBytes } from 'node:crypto';
import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import type { InputsOf } from '../../documents/action-modules/module.ts';
import { whatIsWrongWithChecksum } from '../../documents/component-inputs.ts';
import type { Captured } from '../capture.ts';
import { StepFailedError } from '../step-failed.ts';
import { type ActionContext, listAction, whatItSaid } from './action.ts';
import { type Partial, partialAfter } from './partial-download.ts';
import { posixDownload } from './posix-download.ts';
import { windowsDownload } from './windows/web-download.ts';

const TRIES = 5;
const FIRST_PAUSE_MS = 1_000;
/** Exit status of a try when another may help. */
const TRY_AGAIN = 75;

export type DownloadInputs = InputsOf<typeof ACTION_MODULES.WebDownload>;

/** How one kind of system downloads. It does so itself: a download by the builder would reach the builder's network. */
export interface Downloader {
  /**
   * One try to download to `path` by way of `part`, going on with what is there. Exit code 75: another try may help, and
   * standard output is what {@link partialAfter} reads. Otherwise nothing of `part` is left.
   */
  attempt(
    inputs: DownloadInputs,
    path: string,
    part: string,
    there: Partial | undefined,
    context: ActionContext,
  ): Promise<Captured>;
  /** Removes what broke off, also after the run was aborted. Never rejects: why it broke off is what counts. */
  remove(part: string, context: ActionContext): Promise<void>;
}

export const webDownload = listAction(ACTION_MODULES.WebDownload, async (inputs, context) => {
  const wrong = whatIsWrongWithChecksum(inputs.checksum, inputs.algorithm);
  if (wrong !== undefined) throw new StepFailedError(wrong);
  const destination = destinationOf(inputs, context);
  await download(inputs, destination, context);
  return { destination };
});

/** Downloads in up to five tries, each of which goes on where the one before broke off. */
export async function download(inputs: DownloadInputs, destination: string, context: ActionContext): Promise<void> {
  const downloader = context.target.os === 'windows' ? windowsDownload : posixDownload;
  const part = `${destination}.kiln-${randomBytes(6).toString('hex')}`;
  let there: Partial | undefined;
  try {
    for (let attempt = 1; ; attempt++) {
      const result = await downloader.attempt(inputs, destination, part, there, context);
      if (result.code === TRY_AGAIN) there = partialAfter(result.stdout, there, inputs.checksum !== undefined);
      else there = undefined;
      if (result.code === 0) return;
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
    if (there !== undefined) await downloader.remove(part, context);
  }
}

function destinationOf({ source, destination }: DownloadInputs, context: ActionContext): string {
  const path = context.workspace.absolute(destination);
  const isFolder = context.target.os === 'windows' ? /[\\/]$/.test(path) : path.endsWith('/');
  if (!isFolder) return path;
  const name = new URL(source).pathname.split('/').at(-1) ?? '';
  if (name === '') throw new StepFailedError('the URL ends with no file name, so the destination must have one');
  return path + name;
}
