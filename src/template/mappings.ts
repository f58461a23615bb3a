import type { ProblemList } from '../util/problem-list.ts';
import { readMap } from '../util/yaml-reader.ts';
import type { YamlMap } from '../util/yaml-source.ts';

/** `Mappings`: mapping, top-level key, second-level key, each to what was written. */
export type Mappings = ReadonlyMap<string, ReadonlyMap<string, YamlMap>>;

/** Reads the `Mappings` section. Its values are literals: functions in them are found when they are looked up. */
export function readMappings(section: YamlMap, problems: ProblemList): Mappings {
  const mappings = new Map<string, ReadonlyMap<string, YamlMap>>();
  for (const { key: name, value } of section.entries) {
    const mapping = readMap(value, `the mapping '${name}'`, problems);
    const rows = (mapping?.entries ?? []).flatMap(({ key, value: row }): [string, YamlMap][] => {
      const map = readMap(row, `'${key}' of the mapping '${name}'`, problems);
      return map === undefined ? [] : [[key, map]];
    });
    mappings.set(name, new Map(rows));
  }
  return mappings;
}
