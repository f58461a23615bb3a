import packageJson from '../../package.json' with { type: 'json' };

/** Kiln's version, as in package.json. */
export function kilnVersion(): string {
  return packageJson.version;
}
