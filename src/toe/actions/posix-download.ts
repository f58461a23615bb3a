import { readFileSync } from 'node:fs';
import { DIGEST_FUNCTION } from '../digest.ts';
import { runScript } from './action.ts';
import type { Downloader } from './web-download.ts';
import { FAIL_FUNCTION } from './wildcard.ts';

/** How long tidying up may take. */
const REMOVE_WITHIN_MS = 3_000;

const SCRIPT = [
  FAIL_FUNCTION,
  DIGEST_FUNCTION,
  readFileSync(new URL('./web-download.sh', import.meta.url), 'utf8'),
].join('\n');

/** With curl or wget, whichever the machine has. */
export const posixDownload: Downloader = {
  attempt: (inputs, path, part, there, context) => {
    const parameters = [
      path,
      String(inputs.overwrite),
      inputs.algorithm ?? '',
      inputs.checksum?.toLowerCase() ?? '',
      String(inputs.ignoreCertificateErrors),
      part,
      String(there?.bytes ?? 0),
      there?.validator ?? '',
    ];
    return runScript(context, SCRIPT, parameters, { stdin: `${inputs.source}\n`, survives: true });
  },
  remove: async (part, { target }) => {
    const argv = ['rm', '-f', '--', part] as const;
    await target.run({ argv, signal: AbortSignal.timeout(REMOVE_WITHIN_MS) }).catch(() => {});
  },
};
