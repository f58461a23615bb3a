import type { InputValue } from './component.ts';
import { isList } from './component-expressions.ts';

/** Hives as SetRegistry names them. Source: EC2 Image Builder User Guide, "SetRegistry". */
const HIVES: Readonly<Record<string, string>> = {
  HKCR: 'HKEY_CLASSES_ROOT',
  HKU: 'HKEY_USERS',
  HKLM: 'HKEY_LOCAL_MACHINE',
  HKCC: 'HKEY_CURRENT_CONFIG',
  HKCU: 'HKEY_CURRENT_USER',
};

export const REGISTRY_TYPES = ['BINARY', 'DWORD', 'QWORD', 'SZ', 'EXPAND_SZ', 'MULTI_SZ'] as const;
export type RegistryType = (typeof REGISTRY_TYPES)[number];

/** The path as PowerShell's registry provider takes it; undefined when it begins with no hive. */
export function registryPath(path: string): string | undefined {
  const [, short = '', long = '', rest = ''] = /^(?:([A-Z]+):|(HKEY_[A-Z_]+))(?:\\(.*))?$/is.exec(path) ?? [];
  const hive = short === '' ? long.toUpperCase() : HIVES[short.toUpperCase()];
  if (hive === undefined || !Object.values(HIVES).includes(hive)) return shortWithoutSeparator(path);
  return `Registry::${hive}${rest === '' ? '' : `\\${rest}`}`;
}

/** The guide writes `HKLM:SOFTWARE\Acme` as well. */
function shortWithoutSeparator(path: string): string | undefined {
  const [, short = '', rest = ''] = /^([A-Z]+):([^\\].*)$/is.exec(path) ?? [];
  const hive = HIVES[short.toUpperCase()];
  return hive === undefined ? undefined : `Registry::${hive}\\${rest}`;
}

export type RegistryValue =
  | { readonly ok: true; readonly value: string | readonly string[] | readonly number[] }
  | { readonly ok: false; readonly message: string };

/** Whether a value is one of its type; numbers as decimal text, bytes as numbers. */
export function registryValue(type: RegistryType, value: unknown): RegistryValue {
  const input = value as InputValue;
  const items = isList(input) ? input.map(String) : undefined;
  const text = items === undefined ? String(value) : undefined;
  switch (type) {
    case 'SZ':
    case 'EXPAND_SZ':
      return text === undefined ? refuse(`must be text for ${type}`) : { ok: true, value: text };
    case 'MULTI_SZ':
      return { ok: true, value: items ?? [text ?? ''] };
    case 'DWORD':
      return integer(text, 32n, type);
    case 'QWORD':
      return integer(text, 64n, type);
    case 'BINARY':
      return bytes(items, text);
  }
}

function integer(text: string | undefined, bits: bigint, type: string): RegistryValue {
  const valid = text !== undefined && /^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text);
  if (!valid || BigInt(text) >= 1n << bits) return refuse(`must be a whole number of ${bits} bits for ${type}`);
  return { ok: true, value: String(BigInt(text)) };
}

function bytes(items: readonly string[] | undefined, text: string | undefined): RegistryValue {
  const parts =
    items ?? (/^([0-9a-f]{2})+$/i.test(text ?? '') ? (text ?? '').match(/../g)?.map((hex) => `0x${hex}`) : undefined);
  const numbers = parts?.map(Number);
  const valid = numbers?.every((number) => Number.isInteger(number) && number >= 0 && number <= 255) ?? false;
  if (!valid) return refuse('must be a list of bytes or pairs of hexadecimal digits for BINARY');
  return { ok: true, value: numbers ?? [] };
}

function refuse(message: string): RegistryValue {
  return { ok: false, message };
}
