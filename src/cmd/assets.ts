import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidParameter, notYet } from '../contract/errors.ts';

/**
 * Documents that are too long for a request lie in the home, and the service reads them as if this were a bucket. They
 * are named by their content, so the service takes only what it was meant to take.
 */
const BUCKET = 'kiln-assets';
const URI = new RegExp(`^s3://${BUCKET}/([0-9a-f]{64})$`);

/** Gives the URI of the document. The same document is kept once. */
export async function stageAsset(folder: string, document: string): Promise<string> {
  const name = createHash('sha256').update(document).digest('hex');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `${name}.${randomBytes(4).toString('hex')}`);
  try {
    await writeFile(draft, document, { mode: 0o600, flag: 'wx' });
    await rename(draft, join(folder, name));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return `s3://${BUCKET}/${name}`;
}

/** Reads what {@link stageAsset} put there; throws an AwsError for any other URI. */
export async function readAsset(folder: string, uri: string): Promise<string> {
  const name = URI.exec(uri)?.[1];
  if (name === undefined) throw notYet(`reading documents from S3 ('${uri.slice(0, 200)}')`);
  const missing = invalidParameter('uri', `There is no document at ${uri}.`);
  const document = await readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? missing : error;
  });
  if (createHash('sha256').update(document).digest('hex') !== name) throw missing;
  return document;
}
