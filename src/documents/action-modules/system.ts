import { REGISTRY_TYPES } from '../registry.ts';
import { type ActionModule, type ModuleInput, WINDOWS } from './module.ts';

const msiInputs = {
  path: { type: 'path', required: true, summary: 'Path, S3 URI or URL of the package.' },
  reboot: { type: 'text', default: 'Allow', words: ['Allow', 'Force', 'Skip'], summary: 'What to do about reboots.' },
  logOptions: {
    type: 'text',
    default: '*VX',
    pattern: /^[iwearucmopvx+!*]+$/i,
    expected: 'one or more of the letters of msiexec /L',
    summary: 'Letters behind /L.',
  },
  logFile: { type: 'path', summary: 'Where msiexec writes its log.' },
  properties: { type: 'properties', summary: 'Properties of the package.' },
  ignoreAuthenticodeSignatureErrors: { type: 'boolean', default: false, summary: 'Run in spite of a bad signature.' },
  allowUnsignedInstaller: { type: 'boolean', default: false, summary: 'Run without a signature.' },
} as const satisfies Record<string, ModuleInput>;

const msiOutputs = {
  logFile: 'Path of the log.',
  msiExitCode: 'Exit code of msiexec.',
  stdout: 'What was written to standard output.',
};

/** Modules that change the system as a whole. */
export const systemModules = {
  InstallMSI: {
    name: 'InstallMSI',
    summary: 'Installs a Windows Installer package.',
    platforms: WINDOWS,
    shape: 'map',
    inputs: msiInputs,
    outputs: msiOutputs,
  },
  Reboot: {
    name: 'Reboot',
    summary: 'Reboots and goes on with the next step.',
    platforms: ['linux', 'windows'],
    shape: 'map',
    untimed: true,
    inputsOptional: true,
    inputs: { delaySeconds: { type: 'integer', default: 0, minimum: 0, summary: 'Seconds to wait before.' } },
    outputs: {},
  },
  SetRegistry: {
    name: 'SetRegistry',
    summary: 'Sets values of the Windows registry.',
    platforms: WINDOWS,
    shape: 'list',
    inputs: {
      path: { type: 'text', required: true, summary: 'Key, e.g. HKLM:SOFTWARE\\Acme.' },
      name: { type: 'text', required: true, summary: 'Name of the value.' },
      value: { type: 'registry', required: true, summary: 'Text, number or list.' },
      type: {
        type: 'text',
        required: true,
        words: REGISTRY_TYPES,
        summary: 'Type of the value.',
      },
    },
    outputs: {},
  },
  UninstallMSI: {
    name: 'UninstallMSI',
    summary: 'Removes a Windows Installer package.',
    platforms: WINDOWS,
    shape: 'map',
    inputs: msiInputs,
    outputs: msiOutputs,
  },
  UpdateOS: {
    name: 'UpdateOS',
    summary: 'Installs updates of the operating system.',
    platforms: ['linux', 'windows'],
    shape: 'map',
    inputsOptional: true,
    inputs: {
      include: { type: 'texts', summary: 'Packages to update; default all.' },
      exclude: { type: 'texts', summary: 'Packages to leave alone.' },
    },
    outputs: {},
  },
} as const satisfies Record<string, ActionModule>;
