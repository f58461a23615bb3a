/**
 * What the lists of package repositories of a Debian or Ubuntu system say, without asking apt, which takes an emulated machine
 * seconds. Rules: sources.list(5).
 *
 * @param files The contents of `sources.list` and of the files of `sources.list.d`, by their names.
 * @returns The addresses of the indexes (`.../dists/bookworm/InRelease`), each once and sorted; undefined when only apt
 *   itself can tell.
 */
export function indexesOfSources(files: ReadonlyMap<string, string>): readonly string[] | undefined {
  const indexes = new Set<string>();
  for (const [name, text] of files) {
    const sources = name.endsWith('.sources') ? stanzasOf(text) : linesOf(text);
    if (sources === undefined) return undefined;
    for (const { uri, suite } of sources) {
      // Variables of apt, mirrors by method, suites that are paths: rare, and apt knows.
      if (!/^https?:\/\/[^\s$[\]]+$/.test(uri) || !/^[A-Za-z0-9](?:[A-Za-z0-9._~+/-]*[A-Za-z0-9])?$/.test(suite))
        return undefined;
      indexes.add(`${uri.replace(/\/*$/, '/')}dists/${suite}/InRelease`);
    }
  }
  return [...indexes].toSorted();
}

interface Source {
  readonly uri: string;
  readonly suite: string;
}

/** Of the one-line format: `deb [options] uri suite component…`. */
function linesOf(text: string): readonly Source[] | undefined {
  const sources: Source[] = [];
  for (const line of text.split('\n')) {
    const said = line.replace(/#.*/, '').trim();
    if (said === '') continue;
    const [, uri, suite] = /^deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)(?:\s|$)/.exec(said) ?? [];
    if (uri === undefined || suite === undefined) return undefined;
    sources.push({ uri, suite });
  }
  return sources;
}

/** Of the format of stanzas, deb822(5). */
function stanzasOf(text: string): readonly Source[] | undefined {
  const sources: Source[] = [];
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  for (const stanza of lines.join('\n').split(/\n\s*\n/)) {
    const fields = fieldsOf(stanza);
    if (fields === undefined) return undefined;
    if (fields.size === 0 || /^(?:no|false|without|off|disable)$/i.test(fields.get('enabled') ?? '')) continue;
    const [uris, suites] = [wordsOf(fields.get('uris')), wordsOf(fields.get('suites'))];
    if (uris.length === 0 || suites.length === 0) return undefined;
    for (const uri of uris) for (const suite of suites) sources.push({ uri, suite });
  }
  return sources;
}

function fieldsOf(stanza: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of stanza.split('\n')) {
    if (line.trim() === '') continue;
    if (/^\s/.test(line)) {
      if (last === undefined) return undefined;
      fields.set(last, `${fields.get(last)} ${line.trim()}`);
      continue;
    }
    const [, name, value] = /^([A-Za-z][A-Za-z0-9-]*):(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    last = name.toLowerCase();
    fields.set(last, value.trim());
  }
  return fields;
}

function wordsOf(text = ''): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
