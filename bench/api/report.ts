import type { Latencies } from './latencies.ts';
import type { Memory } from './memory.ts';

interface ListFigures {
  readonly pages: number;
  /** Of all pages, each once. */
  readonly all: Latencies;
  /** Of the last page, again and again. */
  readonly last: Latencies;
}

export interface Figures {
  readonly machine: string;
  readonly readyNewHomeMs: number;
  readonly readyExistingHomeMs: number;
  readonly idleMiB: Memory;
  readonly afterLoadMiB: Memory;
  readonly getImageAt200: Latencies;
  readonly getImagePerSecond: number;
  readonly listImages: ListFigures;
  readonly listImagesFiltered: ListFigures;
  readonly listImagesByRareName: ListFigures;
  readonly listImageBuildVersions: ListFigures;
  readonly listComponents: ListFigures;
  readonly createComponent: Latencies;
}

/** A table of Markdown: what, goal, seen. */
export function report(figures: Figures): string {
  const { getImageAt200: get, createComponent: create, idleMiB: idle, afterLoadMiB: after } = figures;
  const list = ({ all, last, pages }: ListFigures): string =>
    `${all.p50} ms of ${pages} pages, p99 ${all.p99} ms; last page ${last.p50} ms`;
  const memory = ({ pss, rss, database }: Memory): string =>
    `${pss} MiB, ${database} of them the database's (RSS sum ${rss} MiB)`;
  const rows = [
    ['GetImage at 200 requests/s', 'p50 ≤ 3 ms, p99 ≤ 15 ms', `p50 ${get.p50} ms, p99 ${get.p99} ms`],
    ['Signed GetImage at saturation', '≥ 1,500 /s', `${Math.round(figures.getImagePerSecond)} /s`],
    ['ListImages', 'p50 ≤ 8 ms on any page', list(figures.listImages)],
    ['ListImages, filters that all match', 'p50 ≤ 8 ms', list(figures.listImagesFiltered)],
    ['ListImages, a filter that one name matches', 'p50 ≤ 8 ms', list(figures.listImagesByRareName)],
    ['ListImageBuildVersions', 'p50 ≤ 8 ms', list(figures.listImageBuildVersions)],
    ['ListComponents', '', list(figures.listComponents)],
    ['CreateComponent', 'p50 ≤ 10 ms', `p50 ${create.p50} ms, p99 ${create.p99} ms`],
    ['Idle service with its database', '< 250 MiB', memory(idle)],
    ['The same, idle again after the load', '', memory(after)],
    ['Ready on an existing home', '< 3 s', `${(figures.readyExistingHomeMs / 1000).toFixed(2)} s`],
    ['Ready on a new home', '< 8 s', `${(figures.readyNewHomeMs / 1000).toFixed(2)} s`],
  ];
  const lines = rows.map((row) => `| ${row.join(' | ')} |`);
  return [`| What | Goal | ${figures.machine} |`, '|---|---|---|', ...lines].join('\n');
}
