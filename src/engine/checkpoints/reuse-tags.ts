import type { BuildRun } from '../build-run.ts';

/** Longest value of a tag (API Reference, TagResource). */
const MOST_CHARACTERS = 256;

/** What an image took over from earlier builds, as tags: `kiln:reused` says how much and since when, `kiln:reused-from` of which images. */
export function reuseTags({ cache, progress }: BuildRun): Readonly<Record<string, string>> {
  if (cache === undefined) return {};
  const reused = progress.reused ?? [];
  const [oldest] = reused.map(({ ranAt }) => ranAt).toSorted();
  const since = oldest === undefined ? '' : `, from ${oldest}`;
  const images = [...new Set(reused.map(({ image }) => image))].join(' ');
  return {
    'kiln:reused': `${reused.length} of ${cache.components.length} components${since}`,
    ...(images === '' ? {} : { 'kiln:reused-from': images.slice(0, MOST_CHARACTERS) }),
  };
}
