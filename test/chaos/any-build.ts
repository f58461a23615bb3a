import fc from 'fast-check';

/** A step of a component document. */
export interface DocumentStep {
  /** It may run again when it was interrupted. */
  readonly repeatable: boolean;
  readonly fails: boolean;
}

/** `LATER`: STOP to the first attempt, and RESUME to the second. */
export type Answer = 'RESUME' | 'STOP' | 'LATER';

/** Waits for somebody; `told`: a function hears of it. */
interface Wait {
  readonly kind: 'wait';
  readonly answer: Answer;
  readonly told: boolean;
  readonly goesOn: boolean;
}

/** An execution of a state machine; `here`: one that ends with its worker. */
interface Machine {
  readonly kind: 'machine';
  readonly here: boolean;
  readonly fails: boolean;
  readonly attempts: 1 | 2;
  readonly goesOn: boolean;
}

/** A step of a workflow, between the launch of its instance and what is made of it. */
export type Step =
  | { readonly kind: 'CollectImageMetadata' | 'SanitizeInstance' | 'skipped' }
  | { readonly kind: 'components'; readonly goesOn: boolean }
  | {
      readonly kind: 'command';
      readonly fails: boolean;
      readonly attempts: 1 | 2;
      readonly waitSeconds: 0 | 1;
      readonly goesOn: boolean;
    }
  | Wait
  | Machine;

export interface TestWorkflow {
  readonly steps: readonly Step[];
  /** A failure of it does not fail the image. */
  readonly goesOn: boolean;
}

/** How the build instance is launched. */
export interface Launch {
  /** It succeeds only when it is tried again. */
  readonly fails: boolean;
  /** The instance stays when the workflow fails. */
  readonly stays: boolean;
}

export interface Build {
  /** Undefined: there is no build workflow, and what is distributed is the parent. */
  readonly launch: Launch | undefined;
  readonly components: readonly (readonly DocumentStep[])[];
  readonly steps: readonly Step[];
  /** A second AMI is made of the disk of the first. */
  readonly registers: boolean;
  readonly tests: readonly TestWorkflow[];
  /** The tests run at the same time. */
  readonly together: boolean;
  /** Steps of the distribution workflow between the AMI and its release; undefined: there is no such workflow. */
  readonly release: readonly (Wait | Machine)[] | undefined;
  readonly cancelled: boolean;
}

const oneIn = (count: number): fc.Arbitrary<boolean> =>
  fc.integer({ min: 1, max: count }).map((dice) => dice === count);

const documentStep: fc.Arbitrary<DocumentStep> = fc.record({ repeatable: fc.boolean(), fails: oneIn(30) });

const command: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('command'),
  fails: oneIn(8),
  attempts: fc.constantFrom(1, 2),
  waitSeconds: oneIn(20).map((waits) => (waits ? 1 : 0)),
  goesOn: fc.boolean(),
});

const wait: fc.Arbitrary<Wait> = fc.record({
  kind: fc.constant('wait'),
  answer: fc.oneof(
    { weight: 4, arbitrary: fc.constant('RESUME' as const) },
    { weight: 1, arbitrary: fc.constantFrom('STOP' as const, 'LATER' as const) },
  ),
  told: oneIn(3),
  goesOn: fc.boolean(),
});

const machine: fc.Arbitrary<Machine> = fc.record({
  kind: fc.constant('machine'),
  here: fc.boolean(),
  fails: oneIn(8),
  attempts: fc.constantFrom(1, 2),
  goesOn: fc.boolean(),
});

const plain: fc.Arbitrary<Step> = fc
  .constantFrom('CollectImageMetadata', 'SanitizeInstance', 'skipped')
  .map((kind) => ({ kind }) as const);

const step = fc.oneof(
  { weight: 6, arbitrary: plain },
  { weight: 6, arbitrary: command },
  { weight: 2, arbitrary: wait },
  { weight: 1, arbitrary: machine },
);

const built: fc.Arbitrary<Build> = fc.record({
  launch: fc.record({ fails: oneIn(12), stays: oneIn(4) }),
  components: fc.array(fc.array(documentStep, { minLength: 1, maxLength: 3 }), { maxLength: 2 }),
  steps: fc
    .tuple(fc.array(step, { maxLength: 2 }), fc.boolean(), fc.array(step, { maxLength: 2 }))
    .map(([before, goesOn, after]) => [...before, { kind: 'components', goesOn }, ...after] as const),
  registers: oneIn(12),
  tests: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(
        fc.record({ steps: fc.array(fc.oneof(command, wait, machine), { maxLength: 1 }), goesOn: fc.boolean() }),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
    },
  ),
  together: fc.boolean(),
  release: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.array(fc.oneof(wait, machine), { maxLength: 1 }) },
  ),
  cancelled: oneIn(25),
});

const onlyDistributed: fc.Arbitrary<Build> = fc.record({
  launch: fc.constant(undefined),
  ...{ components: fc.constant([]), steps: fc.constant([]), registers: fc.constant(false), tests: fc.constant([]) },
  together: fc.constant(false),
  release: fc.array(fc.oneof(wait, machine), { maxLength: 2 }),
  cancelled: oneIn(25),
});

export const anyBuild: fc.Arbitrary<Build> = fc.oneof(
  { weight: 12, arbitrary: built },
  { weight: 1, arbitrary: onlyDistributed },
);

/** What happens, so many uses of ports after what happened before; effects outside the database count for several. */
export interface Mishap {
  readonly after: number;
  /** `end`: a worker is asked to; `crash`: the database server is killed; `restart`: it is stopped and started. */
  readonly what: 'kill' | 'end' | 'freeze' | 'cut' | 'restart' | 'crash';
}

/** @param withEnds Whether workers are asked to end, too. */
export function anyMishap(withEnds: boolean): fc.Arbitrary<Mishap> {
  return fc.record({
    after: fc.integer({ min: 40, max: 1600 }),
    what: fc.oneof(
      { weight: 6, arbitrary: fc.constant('kill' as const) },
      { weight: withEnds ? 1 : 0, arbitrary: fc.constant('end' as const) },
      { weight: 3, arbitrary: fc.constant('freeze' as const) },
      { weight: 3, arbitrary: fc.constant('cut' as const) },
    ),
  });
}
