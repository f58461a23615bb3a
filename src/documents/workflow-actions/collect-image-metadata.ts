import { type ActionDefinition, EVERY_STAGE, instanceId, minutes } from './definition.ts';

export const collectImageMetadata = {
  summary: 'Reads the version of the operating system and the list of installed packages.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: minutes(30),
  maxTimeoutSeconds: minutes(720),
  inputs: { instanceId },
  outputs: { osVersion: { type: 'string', summary: 'Name and version, e.g. `Debian GNU/Linux 12`.' } },
} as const satisfies ActionDefinition;
