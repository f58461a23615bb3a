/** For whoever watches the process: is it alive, and would it answer? Says yes or no and nothing else. */
export const HEALTH_PATH = '/kiln/v1/health/';

/** @param isReady resolves to whether requests would be served; a rejection means no */
export async function answerHealth(path: string, isReady: () => Promise<boolean>): Promise<Response | undefined> {
  switch (path) {
    case `${HEALTH_PATH}live`:
      return Response.json({ status: 'ok' });
    case `${HEALTH_PATH}ready`: {
      const ready = await isReady().catch(() => false);
      if (ready) return Response.json({ status: 'ok' });
      return Response.json({ status: 'unavailable' }, { status: 503, headers: { 'retry-after': '1' } });
    }
    default:
      return undefined;
  }
}
