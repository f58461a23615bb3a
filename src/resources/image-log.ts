import type { ImageRow } from '../state/find-resource.ts';

/** The log group and stream of a build, named as AWS names them. */
export function imageLog(image: Pick<ImageRow, 'name' | 'version' | 'build'>): { group: string; stream: string } {
  return { group: `/aws/imagebuilder/${image.name}`, stream: `${image.version}/${image.build}` };
}
