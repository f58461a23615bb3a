type Members = Readonly<Record<string, unknown>>;

/** What the service fills in where a definition says nothing. */
export interface Defaults {
  /** Of members that are absent. */
  readonly absent: Members;
  /** Of what is absent within a structure that is there. */
  readonly within: Readonly<Record<string, Members>>;
}

/**
 * The names of members that differ between what a template wants and what the service has. Nothing, an empty list, an
 * empty map and the service's default are the same.
 *
 * @param members What may differ; other members of `existing` (dates, state) are not looked at.
 */
export function findDifferences(
  wanted: Members,
  existing: Members,
  members: readonly string[],
  defaults: Defaults,
): readonly string[] {
  const complete = (definition: Members, member: string): string => {
    const value = normalise(definition[member]) ?? normalise(defaults.absent[member]);
    const filled = isObject(value) ? normalise({ ...defaults.within[member], ...value }) : value;
    return JSON.stringify(filled) ?? '';
  };
  return members.filter((member) => complete(wanted, member) !== complete(existing, member));
}

/** Keys in order, nothing that is empty. */
function normalise(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => normalise(item) ?? null);
  if (!isObject(value)) return value ?? undefined;
  const entries = Object.entries(value)
    .map(([key, member]): [string, unknown] => [key, normalise(member)])
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
