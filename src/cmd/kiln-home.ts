import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../util/make-folder.ts';

/** The files of a `KILN_HOME`; which of them belongs to whom is said in docs/path-of-a-build.md. */
export interface KilnHome {
  readonly path: string;
  readonly credentialsFile: string;
  /** Those who may use the service beside the owner of the home; mode 0600. */
  readonly principalsFile: string;
  /** The audit trail. */
  readonly audit: string;
  /** The certificate that Kiln made for itself, and its key. */
  readonly tls: string;
  readonly serviceFile: string;
  readonly images: string;
  readonly instances: string;
  /** Instances that are a mounted disk. */
  readonly mounted: string;
  /** Marks of life of workers. */
  readonly workers: string;
  /** Functions and state machines that were registered here, for steps of workflows. */
  readonly functions: string;
  readonly stateMachines: string;
  /** Component documents too long for a request, by their sha256. */
  readonly assets: string;
  /** How long things took, for predictions. */
  readonly durations: string;
}

export function kilnHome(path: string): KilnHome {
  return {
    path,
    credentialsFile: join(path, 'credentials.json'),
    principalsFile: join(path, 'principals.json'),
    audit: join(path, 'audit'),
    tls: join(path, 'tls'),
    serviceFile: join(path, 'service.json'),
    images: join(path, 'images'),
    instances: join(path, 'run', 'instances'),
    mounted: join(path, 'run', 'mounted'),
    workers: join(path, 'run', 'workers'),
    functions: join(path, 'functions'),
    stateMachines: join(path, 'state-machines'),
    assets: join(path, 'assets'),
    durations: join(path, 'cache', 'durations.json'),
  };
}

/** Makes the folder when it is not there. Nobody else may look into it: it holds keys. */
export async function ensureHome(home: KilnHome): Promise<void> {
  const made = await makeFolder(home.path, 0o700);
  // mkdir's mode is subject to the umask, and only of the last folder.
  if (made) await chmod(home.path, 0o700);
}
