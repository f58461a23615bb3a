import { Readable } from 'node:stream';
import { parseComponent } from '../../documents/parse-component.ts';
import { run } from '../run-documents.fixture.ts';
import type { DocumentRun, DocumentRunResult } from '../run-documents.types.ts';
import type { Target, TargetCommand } from '../target.ts';

/** What a recorded invocation was: the fixed script or the arguments, and the values on standard input. */
export interface Invocation {
  readonly script: string;
  readonly argv: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
  readonly input: string;
}

export type Answer = (invocation: Invocation) =>
  | {
      readonly code?: number;
      readonly stdout?: string | Buffer;
      readonly stderr?: string;
      /** What the script gives back by `Say`. */
      readonly says?: string;
    }
  | undefined;

/** A Windows machine that is not there: it takes note of commands and gives the answers that a real one would give. */
export function simulatedWindows(answer: Answer = () => undefined) {
  const invocations: Invocation[] = [];
  let reboots = 0;
  const target: Target = {
    os: 'windows',
    name: 'simulated Windows',
    run: async (command) => {
      const invocation = await read(command);
      invocations.push(invocation);
      const { code = 0, stdout = '', stderr = '', says } = answer(invocation) ?? {};
      if (says !== undefined) command.onStdout?.(Buffer.from(Buffer.from(says).toString('base64')));
      if (stdout !== '') command.onStdout?.(Buffer.from(stdout));
      if (stderr !== '') command.onStderr?.(Buffer.from(stderr));
      return { code };
    },
    reboot: async () => {
      reboots++;
    },
  };
  return { target, invocations, reboots: () => reboots };
}

async function read({ argv, stdin }: TargetCommand): Promise<Invocation> {
  const input =
    stdin instanceof Readable ? Buffer.concat(await stdin.toArray()).toString() : Buffer.from(stdin ?? '').toString();
  const encoded = argv[argv.indexOf('-EncodedCommand') + 1] ?? '';
  const script = argv.includes('-EncodedCommand') ? Buffer.from(encoded, 'base64').toString('utf16le') : '';
  // Values are one line of JSON; a stream may come behind them.
  const [line = ''] = input.split('\n');
  const values = line.startsWith('{') ? JSON.parse(line) : {};
  return { script, argv, values, input };
}

/** Runs one step there. */
export async function runOn(
  target: Target,
  action: string,
  inputs: unknown,
  options: Partial<DocumentRun> = {},
): Promise<DocumentRunResult> {
  const text = JSON.stringify({
    schemaVersion: '1.0',
    phases: [{ name: 'build', steps: [{ name: 'S', action, inputs }] }],
  });
  const document = parseComponent(text, 'D.yaml', { os: 'windows' });
  const documents = [{ id: 'D.yaml', document, parameters: {} }];
  return run(documents, { target, workingDirectory: 'C:\\work', ...options });
}

export function outputsOf(result: DocumentRunResult): unknown {
  return result.documents[0]?.phases[0]?.steps[0]?.outputs[0];
}

export function failureOf(result: DocumentRunResult): string {
  return result.firstFailure?.errorMessage ?? 'nothing failed';
}
