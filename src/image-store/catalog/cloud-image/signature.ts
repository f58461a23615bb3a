import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuilderFault, coerceError } from '../../../util/faults.ts';
import { run } from '../../../util/spawn.ts';
import type { StoreContext } from '../../image-store.ts';
import type { SignatureSource } from '../definition.types.ts';

/**
 * Checks the signature of a list of checksums when the key is on this machine; says so when it is not, and then relies
 * on the list having come over https.
 *
 * @param folder takes two small files.
 * @throws BuilderFault for a signature that is not right.
 */
export async function checkSignature(
  list: Buffer,
  source: SignatureSource,
  fetchSignature: () => Promise<Buffer>,
  folder: string,
  { signal, monitor }: StoreContext,
): Promise<void> {
  if (!(await isReadable(source.keyring))) {
    monitor.line(
      'kiln',
      `the signature is not checked: ${source.keyring} (package ${source.debianPackage}) is missing`,
    );
    return;
  }
  const listFile = join(folder, 'checksums');
  const signatureFile = join(folder, 'checksums.gpg');
  await writeFile(listFile, list, { mode: 0o600 });
  await writeFile(signatureFile, await fetchSignature(), { mode: 0o600 });
  const result = await run('gpgv', ['--keyring', source.keyring, signatureFile, listFile], { signal }).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      throw new BuilderFault(`The program gpgv cannot be run: ${coerceError(error).message}`, {
        hint: 'Install it, on Debian and Ubuntu: apt-get install gpgv',
        missingPrerequisite: true,
        cause: error,
      });
    },
  );
  if (result.code === 0) return;
  throw new BuilderFault('The list of checksums has a wrong signature', {
    where: source.url,
    hint: 'Do not use the image. The mirror may be in the middle of an update, or somebody changed it.',
    cause: new Error(result.stderr.toString().trim()),
  });
}

async function isReadable(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
