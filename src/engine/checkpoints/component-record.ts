/** That a component ran on the way to a disk: what a checkpoint knows of each component whose work it holds. */
export interface ComponentRecord {
  /** Component build version ARN. */
  readonly component: string;
  readonly name: string;
  readonly executor: 'direct' | 'vm';
  readonly seconds: number;
  /** ISO 8601; when it began. */
  readonly ranAt: string;
  /** The image build version whose build ran it. */
  readonly image: string;
  /** Package repositories that the machine had, as they were when it ran. Undefined when it uses none that Kiln knows. */
  readonly repositories?: readonly RepositoryState[];
}

/** The index of a package repository at a time. */
export interface RepositoryState {
  readonly url: string;
  /** Of the index, hex. */
  readonly sha256: string;
  readonly etag?: string;
  readonly lastModified?: string;
}

/** The records that a checkpoint's facts hold; undefined when they are of another form. */
export function readComponentRecords(facts: Readonly<Record<string, unknown>>): readonly ComponentRecord[] | undefined {
  const list = facts['components'];
  if (!Array.isArray(list)) return undefined;
  return list.every(isRecord) ? list : undefined;
}

/** Whether a checkpoint holds the work of just these runs, and not of others of the same components. */
export function isOfRuns(
  { facts }: { readonly facts: Readonly<Record<string, unknown>> },
  records: readonly ComponentRecord[],
): boolean {
  const found = readComponentRecords(facts);
  return (
    found?.length === records.length &&
    found.every(({ ranAt, image }, index) => ranAt === records[index]?.ranAt && image === records[index].image)
  );
}

/** The image build version whose build left a checkpoint with these facts; undefined when they are of another form. */
export function imageOf(facts: Readonly<Record<string, unknown>>): string | undefined {
  const { image } = facts;
  return typeof image === 'string' ? image : undefined;
}

/** When the machine booted whose state, or disk, it is: with facts of {@link BuildHistory.facts}. Undefined when none did. */
export function bootedAtOf({ bootedAt }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof bootedAt === 'string' && Number.isFinite(Date.parse(bootedAt)) ? bootedAt : undefined;
}

/** When the image whose facts these are was tested, where its own build did not do that but took over that it was. */
export function testedAtOf({ testedAt }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof testedAt === 'string' && Number.isFinite(Date.parse(testedAt)) ? testedAt : undefined;
}

function isRecord(value: unknown): value is ComponentRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { component, name, executor, seconds, ranAt, image, repositories } = value as Record<string, unknown>;
  return (
    [component, name, executor, image].every((text) => typeof text === 'string') &&
    typeof seconds === 'number' &&
    Number.isFinite(Date.parse(String(ranAt))) &&
    (repositories === undefined || Array.isArray(repositories))
  );
}
