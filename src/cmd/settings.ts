/** Values that settings have, wherever they are set: in the environment or in config.yaml. */
export interface InstanceSize {
  readonly vcpus: number;
  readonly memoryMiB: number;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const REGION = /^[a-z]{2,}(?:-[a-z]+)+-[0-9]+$/;
export const ACCOUNT_ID = /^[0-9]{12}$/;
