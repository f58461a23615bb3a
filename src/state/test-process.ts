/** A second process for tests that kill one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface TestProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** The next line that it prints; rejects when it ends without one. */
  line(): Promise<string>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
}

/** Runs a module's text in a new Node. `imports` are modules beside the caller: name in the text → URL. */
export function startProcess(imports: Readonly<Record<string, URL>>, body: string): TestProcess {
  const text = Object.entries(imports).map(([names, url]) => `import ${names} from ${JSON.stringify(url.href)};`);
  const child = spawn(process.execPath, ['--input-type=module', '-e', [...text, body].join('\n')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    child,
    async line() {
      const next = await lines.next();
      if (next.done === true) throw new Error(`the process ended (${child.exitCode ?? child.signalCode})`);
      return next.value;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
