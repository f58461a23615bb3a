import type { ImageRow } from './find-resource.ts';

type LoggedImage = Pick<ImageRow, 'account_id' | 'name' | 'version' | 'build'>;

/** Group and stream of an image's log. Source: EC2 Image Builder User Guide, "Monitor Image Builder logs". */
export function logPlaceOf(image: LoggedImage): { group: string; stream: string } {
  // Two accounts may have images of one name and version.
  return {
    group: `${image.account_id}:/aws/imagebuilder/${image.name}`,
    stream: `${image.version}/${image.build}`,
  };
}
