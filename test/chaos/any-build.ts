import fc from 'fast-check';

/** A step of a component document. */
export interface DocumentStep {
  /** It may run again when it was interrupted. */
  readonly repeatable: boolean;
  readonly fails: boolean;
}

export type Answer = 'RESUME' | 'STOP';

/** A step of a workflow, between the launch of its instance and what is made of it. */
export type Step =
  | { readonly kind: 'CollectImageMetadata' | 'SanitizeInstance' | 'skipped' }
  | { readonly kind: 'components'; readonly goesOn: boolean }
  | { readonly kind: 'command'; readonly fails: boolean; readonly attempts: 1 | 2; readonly goesOn: boolean }
  | { readonly kind: 'wait'; readonly answer: Answer; readonly goesOn: boolean };

export interface TestWorkflow {
  readonly steps: readonly Step[];
  /** A failure of it does not fail the image. */
  readonly goesOn: boolean;
}

export interface Build {
  readonly components: readonly (readonly DocumentStep[])[];
  readonly steps: readonly Step[];
  readonly tests: readonly TestWorkflow[];
  /** The tests run at the same time. */
  readonly together: boolean;
  readonly cancelled: boolean;
}

const oneIn = (count: number): fc.Arbitrary<boolean> =>
  fc.integer({ min: 1, max: count }).map((dice) => dice === count);

const documentStep: fc.Arbitrary<DocumentStep> = fc.record({ repeatable: fc.boolean(), fails: oneIn(30) });

const command: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('command'),
  fails: oneIn(8),
  attempts: fc.constantFrom(1, 2),
  goesOn: fc.boolean(),
});

const wait: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('wait'),
  answer: oneIn(6).map((stops) => (stops ? 'STOP' : 'RESUME')),
  goesOn: fc.boolean(),
});

const plain: fc.Arbitrary<Step> = fc
  .constantFrom('CollectImageMetadata', 'SanitizeInstance', 'skipped')
  .map((kind) => ({ kind }) as const);

const step = fc.oneof(
  { weight: 3, arbitrary: plain },
  { weight: 3, arbitrary: command },
  { weight: 1, arbitrary: wait },
);

export const anyBuild: fc.Arbitrary<Build> = fc.record({
  components: fc.array(fc.array(documentStep, { minLength: 1, maxLength: 3 }), { maxLength: 2 }),
  steps: fc
    .tuple(fc.array(step, { maxLength: 2 }), fc.boolean(), fc.array(step, { maxLength: 2 }))
    .map(([before, goesOn, after]) => [...before, { kind: 'components', goesOn }, ...after] as const),
  tests: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(
        fc.record({ steps: fc.array(fc.oneof(command, wait), { maxLength: 1 }), goesOn: fc.boolean() }),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
    },
  ),
  together: fc.boolean(),
  cancelled: oneIn(25),
});

/** What happens, so many uses of ports after what happened before. */
export interface Mishap {
  readonly after: number;
  readonly what: 'kill' | 'freeze' | 'cut' | 'restart';
}

export const anyMishap: fc.Arbitrary<Mishap> = fc.record({
  after: fc.integer({ min: 40, max: 400 }),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('kill' as const) },
    { weight: 3, arbitrary: fc.constant('freeze' as const) },
    { weight: 3, arbitrary: fc.constant('cut' as const) },
  ),
});

/** How a build must end, whatever happens to its workers. */
export interface Outcome {
  readonly status: 'AVAILABLE' | 'FAILED';
  /** What was done to the disk of its AMI, in this order; undefined when it has none. */
  readonly effects: readonly string[] | undefined;
  /** Of those, what may have been done once more, one right after the other. */
  readonly repeatable: ReadonlySet<string>;
}

/** @param slug of the image; effects have names of its own */
export function outcomeOf(build: Build, slug: string): Outcome {
  const effects: string[] = [];
  const repeatable = new Set<string>();
  const failed: Outcome = { status: 'FAILED', effects: undefined, repeatable };
  for (const [index, each] of build.steps.entries()) {
    if (each.kind === 'components' && !runDocuments(build, slug, effects, repeatable) && !each.goesOn) return failed;
    if (each.kind === 'command') {
      const times = each.fails ? each.attempts : 1;
      effects.push(...Array.from({ length: times }, () => commandEffect(slug, index)));
    }
    if (fails(each)) return failed;
  }
  const passes = build.tests.every(({ steps, goesOn }) => goesOn || !steps.some(fails));
  return { status: passes ? 'AVAILABLE' : 'FAILED', effects, repeatable };
}

function fails(step: Step): boolean {
  if (step.kind === 'command') return step.fails && !step.goesOn;
  return step.kind === 'wait' && step.answer === 'STOP' && !step.goesOn;
}

/** Whether they all ran to their ends. */
function runDocuments(build: Build, slug: string, effects: string[], repeatable: Set<string>): boolean {
  for (const [document, steps] of build.components.entries()) {
    for (const [index, step] of steps.entries()) {
      const effect = documentEffect(slug, document, index);
      effects.push(effect);
      if (step.repeatable) repeatable.add(effect);
      if (step.fails) return false;
    }
  }
  return true;
}

export function commandEffect(slug: string, step: number): string {
  return `${slug}/command-${step}`;
}

export function documentEffect(slug: string, document: number, step: number): string {
  return `${slug}/document-${document}-${step}`;
}
