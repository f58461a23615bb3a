/** What the exit code of `kiln` says; `kiln help` prints this table. */
export const EXIT_CODES = [
  { code: 0, name: 'done', meaning: 'done; for `kiln build`: the image is built, tested and AVAILABLE' },
  { code: 1, name: 'failed', meaning: 'the build failed, or something went wrong on this machine' },
  {
    code: 2,
    name: 'badInput',
    meaning: 'bad input: command line, template, component or request; nothing was created',
  },
  { code: 3, name: 'missingPrerequisite', meaning: 'something has to be installed or configured first' },
  { code: 194, name: 'reboot', meaning: 'kiln toe run: reboot this machine, then give the same command again' },
  { code: 130, name: 'interrupted', meaning: 'interrupted by Ctrl-C or SIGTERM; the build is CANCELLED' },
] as const;

type ExitName = (typeof EXIT_CODES)[number]['name'];
export type ExitCode = (typeof EXIT_CODES)[number]['code'];

export const EXIT: Readonly<Record<ExitName, ExitCode>> = {
  done: 0,
  failed: 1,
  badInput: 2,
  missingPrerequisite: 3,
  reboot: 194,
  interrupted: 130,
};
