import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { evaluateCondition } from '../conditions.ts';
import { StepFailedError } from '../step-failed.ts';
import type { Action } from './action.ts';

export const assertAction: Action = {
  module: ACTION_MODULES.Assert,
  run: async ([condition = {}], context) => {
    if (!(await evaluateCondition(condition, context))) throw new StepFailedError('the condition is false');
    return { outputs: {} };
  },
};
