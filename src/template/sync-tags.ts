import { type ImagebuilderClient, TagResourceCommand, UntagResourceCommand } from '@aws-sdk/client-imagebuilder';

/** Makes a resource's tags those of the template. Gives whether anything had to change. */
export async function syncTags(
  client: ImagebuilderClient,
  resourceArn: string,
  wanted: unknown,
  existing: unknown,
  abortSignal: AbortSignal,
): Promise<boolean> {
  const want = tagsOf(wanted);
  const have = tagsOf(existing);
  const changed = Object.entries(want).filter(([key, value]) => have[key] !== value);
  const gone = Object.keys(have).filter((key) => !Object.hasOwn(want, key));
  if (changed.length > 0) {
    await client.send(new TagResourceCommand({ resourceArn, tags: Object.fromEntries(changed) }), { abortSignal });
  }
  if (gone.length > 0) {
    await client.send(new UntagResourceCommand({ resourceArn, tagKeys: gone }), { abortSignal });
  }
  return changed.length + gone.length > 0;
}

function tagsOf(value: unknown): Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, string>>) : {};
}
