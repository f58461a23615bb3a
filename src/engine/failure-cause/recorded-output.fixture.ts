/** What programs printed last when they failed, as it was recorded (Debian 12, Node 20, pip 23); versions and dates of no matter. */
import type { FailureClass } from './failure-classes.ts';

interface RecordedOutput {
  readonly tool: string;
  /** Undefined: it is no more than a script that failed. */
  readonly class: FailureClass | undefined;
  readonly lines: readonly string[];
  /** In one of the lines that matter. */
  readonly matter: string;
}

export const RECORDED_OUTPUT: readonly RecordedOutput[] = [
  {
    tool: 'apt-get, a package that does not exist',
    class: 'package not found',
    lines: [
      'Reading package lists...',
      'Building dependency tree...',
      'Reading state information...',
      'E: Unable to locate package ngnix',
    ],
    matter: 'Unable to locate package ngnix',
  },
  {
    tool: 'pip, a package that does not exist',
    class: 'package not found',
    lines: [
      'ERROR: Could not find a version that satisfies the requirement no-such-package-xyzzy (from versions: none)',
      'ERROR: No matching distribution found for no-such-package-xyzzy',
    ],
    matter: 'no-such-package-xyzzy',
  },
  {
    tool: 'pip, without a network',
    class: 'network',
    lines: [
      "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7fec95442e50>: Failed to establish a new connection: [Errno -2] Name or service not known')': /simple/no-such-package-xyzzy/",
      'ERROR: Could not find a version that satisfies the requirement no-such-package-xyzzy (from versions: none)',
      'ERROR: No matching distribution found for no-such-package-xyzzy',
    ],
    matter: 'after connection broken',
  },
  {
    tool: 'npm, a package that does not exist',
    class: 'package not found',
    lines: [
      'npm error code E404',
      'npm error 404 Not Found - GET https://registry.npmjs.org/no-such-package-xyzzy-q1',
      'npm error 404',
    ],
    matter: '404 Not Found',
  },
  {
    tool: 'curl, a name that does not resolve',
    class: 'network',
    lines: ['curl: (6) Could not resolve host: no-such-host.invalid'],
    matter: 'no-such-host.invalid',
  },
  {
    tool: 'curl, nobody listens',
    class: 'network',
    lines: ["curl: (7) Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't connect to server"],
    matter: 'port 9',
  },
  {
    tool: 'wget, a name that does not resolve',
    class: 'network',
    lines: [
      '--2026-11-23 07:46:40--  http://no-such.invalid/',
      'Resolving no-such.invalid (no-such.invalid)... failed: Name or service not known.',
      'wget: unable to resolve host address ‘no-such.invalid’',
    ],
    matter: 'unable to resolve host',
  },
  {
    tool: 'git, a name that does not resolve',
    class: 'network',
    lines: [
      "Cloning into '/tmp/x'...",
      "fatal: unable to access 'https://no-such.invalid/x.git/': Could not resolve host: no-such.invalid",
    ],
    matter: 'unable to access',
  },
  {
    tool: 'Python, nobody listens',
    class: 'network',
    lines: ['urllib.error.URLError: <urlopen error [Errno 111] Connection refused>'],
    matter: 'Connection refused',
  },
  {
    tool: 'dd, a full disk',
    class: 'disk full',
    lines: [
      "dd: error writing '/dev/full': No space left on device",
      '1+0 records in',
      '0+0 records out',
      '0 bytes copied, 5.1848e-05 s, 0.0 kB/s',
    ],
    matter: 'No space left on device',
  },
  {
    tool: 'cat, a full disk',
    class: 'disk full',
    lines: ['cat: write error: No space left on device'],
    matter: 'No space left on device',
  },
  {
    tool: 'Python, too little memory',
    class: 'out of memory',
    lines: ['Traceback (most recent call last):', '  File "<string>", line 1, in <module>', 'MemoryError'],
    matter: 'MemoryError',
  },
  {
    tool: 'Node, too little memory',
    class: 'out of memory',
    lines: ['FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'],
    matter: 'heap out of memory',
  },
  { tool: 'dash, too many processes', class: 'too many processes', lines: ['dash: 0: Cannot fork'], matter: 'fork' },
  {
    tool: 'bash, too many processes',
    class: 'too many processes',
    lines: [
      'bash: fork: retry: Resource temporarily unavailable',
      'bash: fork: retry: Resource temporarily unavailable',
      'bash: fork: Resource temporarily unavailable',
    ],
    matter: 'bash: fork: Resource temporarily unavailable',
  },
  {
    tool: 'Python, too many threads',
    class: 'too many processes',
    lines: [
      'Traceback (most recent call last):',
      '  File "<string>", line 2, in <module>',
      '    _start_new_thread(self._bootstrap, ())',
      "RuntimeError: can't start new thread",
    ],
    matter: "can't start new thread",
  },
  { tool: 'sort, too little memory', class: 'out of memory', lines: ['sort: memory exhausted'], matter: 'exhausted' },
  {
    tool: 'tar, a file that is not there',
    class: undefined,
    lines: [
      'tar (child): /no/such.tgz: Cannot open: No such file or directory',
      'tar (child): Error is not recoverable: exiting now',
      'tar: Child returned status 2',
      'tar: Error is not recoverable: exiting now',
    ],
    matter: '/no/such.tgz',
  },
  {
    tool: 'sh, a program that is not there',
    class: undefined,
    lines: ['sh: 1: ngnixx: not found'],
    matter: 'ngnixx: not found',
  },
  {
    tool: 'sh, a script that is wrong',
    class: undefined,
    lines: ['sh: 1: Syntax error: "then" unexpected'],
    matter: 'Syntax error',
  },
  {
    tool: 'cc, a file that is not there',
    class: undefined,
    lines: ['cc1: fatal error: nothing.c: No such file or directory', 'compilation terminated.'],
    matter: 'nothing.c',
  },
];
