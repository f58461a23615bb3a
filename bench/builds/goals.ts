/** Seconds by what was measured; a bench that was told to leave something out has no figure. */
export type Figures = Readonly<Record<string, number>>;

export interface Goal {
  readonly what: string;
  /** In words, as it was set. */
  readonly goal: string;
  readonly figure: string;
  /** Undefined when a figure is missing. */
  readonly met: (figures: Figures) => boolean | undefined;
}

/** `figure` is at most `factor` times `of`, or at most `seconds`. */
function within(figure: string, ...limits: readonly (readonly [factor: number, of: string] | number)[]): Goal['met'] {
  return (figures) => {
    const value = figures[figure];
    if (value === undefined) return undefined;
    const bounds = limits.map((limit) => {
      if (typeof limit === 'number') return limit;
      const [factor, of] = limit;
      const base = figures[of];
      return base === undefined ? undefined : factor * base;
    });
    if (bounds.some((bound) => bound !== undefined && value > bound)) return false;
    return bounds.includes(undefined) ? undefined : true;
  };
}

export const GOALS: readonly Goal[] = [
  {
    what: 'A cold, VM path, without test boot',
    goal: '≤ 0.75 × Packer',
    figure: 'A cold vm',
    met: within('A cold vm', [0.75, 'A packer']),
  },
  {
    what: 'A cold, auto, without test boot',
    goal: '≤ 0.08 × Packer, ≤ 0.2 × virt-customize',
    figure: 'A cold auto',
    met: within('A cold auto', [0.08, 'A packer'], [0.2, 'A virt-customize']),
  },
  {
    what: 'A cold, auto, with test boot',
    goal: '≤ 0.45 × Packer without one',
    figure: 'A cold auto tested',
    met: within('A cold auto tested', [0.45, 'A packer']),
  },
  {
    what: 'A, page changed, auto',
    goal: "≤ 0.03 × Packer's rebuild, ≤ 4 s",
    figure: 'A page auto',
    met: within('A page auto', [0.03, 'A packer again'], 4),
  },
  {
    what: 'A, page changed, VM executor',
    goal: "≤ 0.08 × Packer's rebuild, ≤ 10 s",
    figure: 'A page vm',
    met: within('A page vm', [0.08, 'A packer again'], 10),
  },
  { what: 'A, nothing changed', goal: '≤ 1 s', figure: 'A unchanged', met: within('A unchanged', 1) },
  {
    what: 'B, last of eight changed, auto',
    goal: "≤ 0.05 × Packer's rebuild",
    figure: 'B page auto',
    met: within('B page auto', [0.05, 'B packer']),
  },
  { what: 'Capture of a stopped guest', goal: '≤ 1 s', figure: 'capture', met: within('capture', 1) },
  {
    what: 'Export to compressed qcow2',
    goal: '≤ 0.3 × qemu-img convert -c',
    figure: 'export',
    met: within('export', [0.3, 'qemu-img']),
  },
  { what: 'Live checkpoint of a 1 GiB guest', goal: '≤ 1 s', figure: 'checkpoint', met: within('checkpoint', 1) },
  { what: 'Resume to a working shell', goal: '≤ 2.5 s', figure: 'resume', met: within('resume', 2.5) },
  { what: 'kiln plan', goal: '≤ 0.3 s', figure: 'plan', met: within('plan', 0.3) },
];

/** A table of Markdown: what, goal, seen. */
export function goalTable(figures: Figures, machine: string): string {
  const seen = (value: number | undefined): string => (value === undefined ? 'not measured' : `${value.toFixed(2)} s`);
  const withUnit = (name: string, value: number): string =>
    name.endsWith('MiB') ? `${value.toFixed(0)} MiB` : name.endsWith('count') ? String(value) : seen(value);
  const word = (is: boolean | undefined): string => (is === undefined ? '–' : is ? 'yes' : 'no');
  const rows = GOALS.map(
    ({ what, goal, figure, met }) => `| ${what} | ${goal} | ${seen(figures[figure])} | ${word(met(figures))} |`,
  );
  const others = Object.entries(figures)
    .filter(([name]) => !GOALS.some(({ figure }) => figure === name))
    .map(([name, value]) => `| ${name.replace(/ (MiB|count)$/, '')} | | ${withUnit(name, value)} | |`);
  return [`| Case | Goal | ${machine} | Met |`, '|---|---|---|---|', ...rows, ...others].join('\n');
}
