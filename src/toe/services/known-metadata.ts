import type { InstanceMetadata } from '../run-services.ts';

/**
 * Instance metadata from values that are known, by path. A folder of paths is the list of what is in it, one name on each
 * line, folders with a slash behind them, as the service of EC2 has it.
 */
export function knownMetadata(values: Readonly<Record<string, string>>): InstanceMetadata {
  return async (path) => {
    const name = segmentsOf(path).join('/');
    if (name !== '' && Object.hasOwn(values, name)) return values[name];
    const folder = name === '' ? '' : `${name}/`;
    const below = Object.keys(values).filter((key) => key.startsWith(folder));
    const names = below.map((key) => key.slice(folder.length)).map((key) => key.replace(/\/.*/, '/'));
    return names.length === 0 ? undefined : [...new Set(names)].toSorted().join('\n');
  };
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '');
}
