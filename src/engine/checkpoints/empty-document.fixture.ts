/** A component document that says nothing, for tests of what is decided by all else. */
export const EMPTY_DOCUMENT = {
  schemaVersion: '1.0',
  name: '',
  description: '',
  parameters: [],
  constants: [],
  phases: [],
} as const;
