import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** An archive of packages that this machine is set up to use. */
export interface AptSource {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** A keyring file; undefined when none is named. */
  readonly signedBy?: string;
}

/**
 * Reads the package sources of a machine, both forms (`sources.list` and deb822 `*.sources`); disabled ones and source
 * packages are left out. What cannot be understood is passed over: apt itself complains about it.
 *
 * @param etcApt usually `/etc/apt`.
 */
export async function readAptSources(etcApt: string): Promise<readonly AptSource[]> {
  const parts = join(etcApt, 'sources.list.d');
  const names = (await readdir(parts).catch(() => [])).sort();
  const files = [join(etcApt, 'sources.list'), ...names.map((name) => join(parts, name))];
  const sources: AptSource[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (file.endsWith('.list')) sources.push(...parseOneLineSources(text));
    else if (file.endsWith('.sources')) sources.push(...parseDeb822Sources(text));
  }
  return await Promise.all(sources.map(async (source) => ({ ...source, uris: await expandMirrorLists(source.uris) })));
}

/** `deb [signed-by=FILE] URI SUITE COMPONENT...` */
export function parseOneLineSources(text: string): readonly AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[(?<options>[^\]]*)\]\s*)?(?<uri>\S+)\s+(?<suite>\S+)(?<components>[^#]*)/.exec(line);
    if (match?.groups === undefined) continue;
    const { options = '', uri = '', suite = '', components = '' } = match.groups;
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1];
    sources.push({ uris: [uri], suites: [suite], components: words(components), ...keyring(signedBy) });
  }
  return sources;
}

/** Paragraphs of `Types: URIs: Suites: Components: Signed-By:`. */
export function parseDeb822Sources(text: string): readonly AptSource[] {
  return text
    .split(/\n\s*\n/)
    .map(parseFields)
    .filter((fields) => words(fields.get('types')).includes('deb') && fields.get('enabled')?.trim() !== 'no')
    .map((fields) => ({
      uris: words(fields.get('uris')),
      suites: words(fields.get('suites')),
      components: words(fields.get('components')),
      ...keyring(fields.get('signed-by')?.trim()),
    }));
}

function parseFields(paragraph: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of paragraph.split('\n')) {
    if (line.startsWith('#')) continue;
    const field = /^([A-Za-z0-9-]+):(.*)$/.exec(line);
    if (field !== null) {
      current = (field[1] ?? '').toLowerCase();
      fields.set(current, field[2] ?? '');
    } else if (current !== undefined && /^\s/.test(line)) {
      fields.set(current, `${fields.get(current)}\n${line}`);
    }
  }
  return fields;
}

/** A key written out in place of a file name is passed over: Debian's own keyring is used then. */
function keyring(signedBy: string | undefined): { readonly signedBy?: string } {
  return signedBy?.startsWith('/') && !/\s/.test(signedBy) ? { signedBy } : {};
}

/** `mirror+file:PATH` is a file with one URI a line, the form of Debian's own cloud images. */
async function expandMirrorLists(uris: readonly string[]): Promise<readonly string[]> {
  const expanded: string[] = [];
  for (const uri of uris) {
    const file = /^mirror\+file:(?:\/\/)?(\/.+)$/.exec(uri)?.[1];
    if (file === undefined) {
      expanded.push(uri);
      continue;
    }
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    expanded.push(...lines.map((line) => words(line)[0] ?? '').filter((word) => /^https?:/.test(word)));
  }
  return expanded;
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

/** Whether a file can be read by this process. */
export async function isReadable(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
