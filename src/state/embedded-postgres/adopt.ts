import { setTimeout as delay } from 'node:timers/promises';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { askDataDirectory } from './ask.ts';
import { forgetPid, isAlive, isPostmasterOf, readPostmasterFile } from './postmaster.ts';
import { foreignServer, type ServerProcess } from './stop-server.ts';

const POLL_MS = 20;

/**
 * The server that runs on a data directory already, left by a Kiln that was killed; undefined when there is none, after
 * waiting for one that is just starting or ending. Throws a BuilderFault for one that cannot be used, and the reason of
 * `deadline` never: a server that does not answer in time is one that cannot be used.
 */
export async function findRunningServer(
  dataDir: string,
  deadline: AbortSignal,
): Promise<(ServerProcess & { readonly host: string }) | undefined> {
  for (;;) {
    const file = await readPostmasterFile(dataDir);
    if (file === undefined) return undefined;
    if (!(await isPostmasterOf(file.pid, dataDir))) {
      if (isAlive(file.pid)) await forgetPid(dataDir);
      return undefined;
    }
    if (file.dataDir !== dataDir) throw refuse(file.pid, dataDir, `it was started for ${file.dataDir}`);
    let why = `its status is '${file.status}'`;
    if (file.status === 'ready') {
      const answer = await askDataDirectory(file.socketDir).catch(coerceError);
      if (answer === dataDir) return { ...foreignServer(file.pid, dataDir), host: file.socketDir };
      why = typeof answer === 'string' ? `it says that its data is in ${answer}` : answer.message;
    }
    if (deadline.aborted) throw refuse(file.pid, dataDir, why);
    await delay(POLL_MS);
  }
}

function refuse(pid: number, dataDir: string, why: string): BuilderFault {
  return new BuilderFault(`A PostgreSQL server (pid ${pid}) that this kiln cannot use runs on its data: ${why}`, {
    where: dataDir,
    hint: `End it with \`kill -INT ${pid}\` and start kiln again.`,
  });
}
