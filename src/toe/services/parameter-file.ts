import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import type { ParameterStore, ParameterWriter, StoredParameter } from '../run-services.ts';

/** The types of Parameter Store. */
const TYPES = ['String', 'StringList', 'SecureString'] as const;

/**
 * Parameters from a JSON file of this machine: `{"/ci/token": {"type": "SecureString", "value": "…"}, "/ci/port": "80"}`.
 * Read anew each time, so that it can be changed while a service runs. No file is no parameters; one that others than its
 * owner may read is refused, for it holds secrets.
 */
export function fileParameters(path: string): ParameterStore {
  return async (name) => {
    const all = await readParameters(path);
    return Object.hasOwn(all, name) ? parameterOf(all[name], name, path) : undefined;
  };
}

/** Writes into the same file; it is made when it is missing, and never half-written. */
export function fileParameterWriter(path: string): ParameterWriter {
  return async ({ name, value, dataType }, signal) => {
    await using _lock = await lockFile(`${path}.lock`, signal);
    const all = { ...(await readParameters(path)), [name]: { type: 'String', dataType, value } };
    const draft = `${path}.${process.pid}.new`;
    await writeFile(draft, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
    await rename(draft, path);
  };
}

/** The first store that has the parameter. */
export function firstOf(stores: readonly ParameterStore[]): ParameterStore {
  return async (name, signal) => {
    for (const store of stores) {
      const found = await store(name, signal);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

async function readParameters(path: string): Promise<Readonly<Record<string, unknown>>> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return {};
  if ((found.mode & 0o077) !== 0) {
    throw new BuilderFault(`${path} holds secrets, and others than its owner may read it.`, {
      hint: `chmod 600 ${path}`,
    });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    // The parser's own words may show a piece of the file.
    throw new BuilderFault(`${path} is not JSON.`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new BuilderFault(`${path} must hold a map of names to parameters.`);
  }
  return { ...parsed };
}

function parameterOf(value: unknown, name: string, path: string): StoredParameter {
  if (typeof value === 'string') return { value, secret: false };
  if (typeof value === 'object' && value !== null && 'value' in value && 'type' in value) {
    const { type } = value;
    const text = Array.isArray(value.value) ? value.value.join(',') : value.value;
    if (TYPES.some((known) => known === type) && typeof text === 'string') {
      return { value: text, secret: type === 'SecureString' };
    }
  }
  throw new BuilderFault(`${path}: the parameter ${name} must be a text, or have type and value.`, {
    hint: `types are ${TYPES.join(', ')}`,
  });
}
