import type { CatalogDefinition } from '../definition.types.ts';
import { amazonLinux2023X86 } from './amazon-linux-2023-x86.ts';
import { debianServer12X86 } from './debian-server-12-x86.ts';
import { debianServer13X86 } from './debian-server-13-x86.ts';
import { ubuntuServer22LtsX86 } from './ubuntu-server-22-lts-x86.ts';
import { ubuntuServer24LtsX86 } from './ubuntu-server-24-lts-x86.ts';

/** The catalogue, by name. */
export const definitions: readonly CatalogDefinition[] = [
  amazonLinux2023X86,
  debianServer12X86,
  debianServer13X86,
  ubuntuServer22LtsX86,
  ubuntuServer24LtsX86,
];
