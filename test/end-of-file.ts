/**
 * Loaded into the process of every test file. The runner waits for such a process without a limit, so one server that a
 * failed test left listening would keep the whole run from ending.
 */
import { after } from 'node:test';

/** More than what closing all that tests opened takes on a busy machine. */
const MOST_SECONDS = 60;

after(() => {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    console.error(`All tests have ended and ${MOST_SECONDS} s later this process has not. It waits for: ${open}`);
    process.exit(1);
  }, MOST_SECONDS * 1000).unref();
});
