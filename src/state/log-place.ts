import type { ImageRow } from './find-resource.ts';

/** Group and stream of an image's log. Source: EC2 Image Builder User Guide, "Monitor Image Builder logs". */
export function logPlaceOf(image: Pick<ImageRow, 'name' | 'version' | 'build'>): { group: string; stream: string } {
  return { group: `/aws/imagebuilder/${image.name}`, stream: `${image.version}/${image.build}` };
}
