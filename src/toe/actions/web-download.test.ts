import { tmpdir } from 'node:os';
import { localTarget } from '../targets/local.ts';
import { describeDownloads } from './web-download.suite.ts';

describeDownloads('local', {
  makeTarget: async () => ({
    target: localTarget({ environment: { PATH: process.env['PATH'] ?? '' }, cwd: tmpdir() }),
    release: async () => {},
  }),
});
