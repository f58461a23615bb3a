import { join } from 'node:path';
import { BuilderFault } from '../../../util/faults.ts';
import type { StoreContext } from '../../image-store.ts';
import type { CloudImageSource } from '../definition.types.ts';
import { chooseChecksum, parseChecksums } from './checksums.ts';
import { DOWNLOAD_LIMITS, downloadBytes, downloadFile } from './download.ts';
import { checkSignature } from './signature.ts';

/**
 * Downloads a distribution's own image and checks it against the distribution's list of checksums.
 *
 * @param folder where the file is put; the caller removes it.
 * @returns the path of the image, in the format in which it is published.
 */
export async function fetchCloudImage(
  source: CloudImageSource,
  folder: string,
  context: StoreContext,
  limits = DOWNLOAD_LIMITS,
): Promise<string> {
  const list = await downloadBytes(source.checksums, context.signal, limits);
  const { signature } = source;
  if (signature !== undefined) {
    const fetchSignature = async (): Promise<Buffer> =>
      (await downloadBytes(signature.url, context.signal, limits)).bytes;
    await checkSignature(list.bytes, signature, fetchSignature, folder, context);
  }
  const checksum = chooseChecksum(parseChecksums(list.bytes.toString('utf8'), source.algorithm), source.file);
  if (checksum === undefined) {
    throw new BuilderFault(`The list of checksums does not name a file like ${source.file.source}`, {
      where: source.checksums,
      hint: 'The distribution may have renamed its images.',
    });
  }
  const file = join(folder, 'image');
  await downloadFile(
    // Names like `latest` are redirected to a folder with a version, and the image is in that one.
    new URL(checksum.file, list.url).href,
    file,
    { algorithm: source.algorithm, digest: checksum.digest },
    context,
    limits,
  );
  return file;
}
