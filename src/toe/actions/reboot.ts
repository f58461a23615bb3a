import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { mapAction } from './action.ts';

export const reboot = mapAction(ACTION_MODULES.Reboot, async ({ delaySeconds }, { delay, signal }) => {
  if (delaySeconds > 0) await delay(delaySeconds * 1000, signal);
  return { outputs: {}, reboot: 'next' };
});
