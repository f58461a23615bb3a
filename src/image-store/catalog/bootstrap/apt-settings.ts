import { run } from '../../../util/spawn.ts';

/** How this machine reaches mirrors and judges their dates; nothing else of its settings concerns an image. */
const CARRIED_OVER =
  /^Acquire::(?:https?::Proxy\b|https?::[^:]+::Proxy\b|ForceIPv[46]\b|Check-Valid-Until\b|Check-Date\b)/i;

/** A mirror that does not answer must not hold a build for minutes. */
const OWN = ['Acquire::http::Timeout "20";', 'Acquire::https::Timeout "20";', 'Acquire::Retries "2";'];

/** Settings for the apt that makes an image, one a line. They may hold a proxy's password. */
export async function aptSettings(signal: AbortSignal): Promise<string> {
  const dump = await run('apt-config', ['dump'], { signal }).catch(() => {
    signal.throwIfAborted();
    return undefined;
  });
  const lines = dump?.code === 0 ? dump.stdout.toString().split('\n') : [];
  return `${[...OWN, ...lines.filter((line) => CARRIED_OVER.test(line))].join('\n')}\n`;
}
