import { tmpdir } from 'node:os';
import { describeActions } from './actions.suite.ts';
import { localTarget } from './targets/local.ts';

describeActions('local', {
  makeTarget: async () => ({
    target: localTarget({ environment: { PATH: process.env['PATH'] ?? '' }, cwd: tmpdir() }),
    release: async () => {},
  }),
  root: process.getuid?.() === 0,
});
