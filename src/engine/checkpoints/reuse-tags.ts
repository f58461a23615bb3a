import type { BuildRun } from '../build-run.ts';

/** Longest value of a tag (API Reference, TagResource). */
const MOST_CHARACTERS = 256;

/** What an image took over from earlier builds, as tags: `kiln:reused` says how much and since when, `kiln:reused-from` of which images. */
export function reuseTags({ cache, progress }: Pick<BuildRun, 'cache' | 'progress'>): Readonly<Record<string, string>> {
  if (cache === undefined) return {};
  const reused = progress.reused ?? [];
  const [oldest] = reused.map(({ ranAt }) => ranAt).toSorted();
  const since = oldest === undefined ? '' : `, from ${oldest}`;
  const images = [...new Set(reused.map(({ image }) => image))];
  return {
    'kiln:reused': `${reused.length} of ${cache.components.length} components${since}`,
    ...(images.length === 0 ? {} : { 'kiln:reused-from': namesThatFit(images) }),
  };
}

/** Whole names with spaces between them, and how many more there are: part of an ARN is the name of nothing. */
function namesThatFit(names: readonly string[]): string {
  for (let count = names.length; count > 0; count--) {
    const more = names.length - count;
    const text = [...names.slice(0, count), ...(more === 0 ? [] : [`and ${more} more`])].join(' ');
    if (text.length <= MOST_CHARACTERS) return text;
  }
  return `${names.length} images`;
}
