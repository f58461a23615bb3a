import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Step } from '../documents/component.ts';
import type { DocumentMonitor, DocumentRunResult, RunnableDocument, StepResult } from '../toe/run-documents.types.ts';

export interface LogFolder extends AsyncDisposable {
  readonly path: string;
  readonly monitor: DocumentMonitor;
  /** Writes what is only known at the end. */
  finish(result: DocumentRunResult): Promise<void>;
}

/**
 * Makes `TOE_<date>_<time>_UTC-0_<executionId>` below `parent`, readable by its owner only, with the files that AWSTOE
 * writes. Source: EC2 Image Builder User Guide, "Get started with AWSTOE".
 */
export async function openLogFolder(
  parent: string,
  executionId: string,
  documents: readonly RunnableDocument[],
  now: Date,
): Promise<LogFolder> {
  const [date = '', time = ''] = now.toISOString().slice(0, 19).split('T');
  const name = `TOE_${date}_${time.replaceAll(':', '-')}_UTC-0_${executionId.replace(/[^A-Za-z0-9_.-]/g, '_')}`;
  const path = join(parent, name);
  await mkdir(path, { recursive: true, mode: 0o700 });
  for (const [index, { id }] of documents.entries()) {
    await copyFile(id, join(path, index === 0 ? 'document.yaml' : `document-${index + 1}.yaml`));
  }
  const console = createWriteStream(join(path, 'console.log'), { mode: 0o600 });
  const application = createWriteStream(join(path, 'application.log'), { mode: 0o600 });
  const note = (text: string): void => void application.write(`${new Date().toISOString()} ${text}\n`);
  for (const { id } of documents) note(`Document ${id} is valid`);
  const close = async (): Promise<void> => {
    for (const stream of [console, application]) {
      stream.end();
      await finished(stream);
    }
  };
  return {
    path,
    monitor: {
      line: (source, text) => {
        if (source === 'kiln' || source === 'console') note(text);
        else console.write(`CmdExecution: ${source === 'stdout' ? 'Stdout' : 'Stderr'}: ${text}\n`);
      },
      stepStarted: ({ documentId, phase, step, action }) => {
        console.write(`Document ${documentId}\nPhase ${phase}\nStep ${step}\n${action}: STARTED EXECUTION\n`);
        note(`${documentId}: ${phase}/${step}: ${action} started`);
      },
      stepEnded: ({ documentId, phase, step, action }, status) => {
        console.write(`${action}: FINISHED EXECUTION\n`);
        note(`${documentId}: ${phase}/${step}: ${status}`);
      },
    },
    finish: async (result) => {
      console.write(failureBlock(result));
      await writeJson(join(path, 'detailedoutput.json'), detailedOutput(result, documents));
      await writeJson(join(path, 'chaining.json'), chaining(result));
    },
    [Symbol.asyncDispose]: close,
  };
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
}

/** AWSTOE ends its console.log so since 2026; Image Builder shows it as the failure's context. */
function failureBlock({ firstFailure }: DocumentRunResult): string {
  if (firstFailure === undefined) return '';
  const { documentId, phase, step, action, errorMessage, lastLines } = firstFailure;
  const rows = [
    ['Document', documentId],
    ['Phase', phase],
    ['Step', step],
    ['Action', action],
    ['ErrorMessage', errorMessage],
    ...(lastLines.length === 0 ? [] : [['LastOutput', lastLines.join('\n')]]),
  ];
  return `${rows.map(([key, value]) => `  ${key}: ${value}`).join('\n')}\n`;
}

function detailedOutput(result: DocumentRunResult, runnable: readonly RunnableDocument[]): object {
  const { executionId, status, failureMessage, documents } = result;
  return {
    executionId,
    status,
    startTime: documents[0]?.startTime ?? '',
    endTime: documents.at(-1)?.endTime ?? '',
    failureMessage,
    documents: documents.map((document, index) => ({
      name: document.name,
      filePath: document.id,
      status: document.status,
      description: runnable[index]?.document.description ?? '',
      startTime: document.startTime,
      endTime: document.endTime,
      failureMessage: document.status === 'failed' ? `Document ${document.id} failed!` : '',
      phases: document.phases.map((phase) => ({
        name: phase.name,
        status: phase.status,
        startTime: phase.startTime,
        endTime: phase.endTime,
        failureMessage: '',
        steps: phase.steps.map((step) => detailedStep(step, findStep(runnable[index], phase.name, step.name))),
      })),
    })),
  };
}

function findStep(document: RunnableDocument | undefined, phase: string, step: string): Step | undefined {
  const steps = document?.document.phases.find(({ name }) => name === phase)?.steps;
  return steps?.find(({ name }) => name === step);
}

function detailedStep(step: StepResult, source: Step | undefined): object {
  return {
    name: step.name,
    status: step.status,
    failureMessage: step.failureMessage,
    timeoutSeconds: step.timeoutSeconds,
    onFailure: step.onFailure,
    maxAttempts: step.maxAttempts,
    action: step.action,
    startTime: step.startTime,
    endTime: step.endTime,
    inputs: JSON.stringify(step.inputs),
    outputs: JSON.stringify(step.outputs),
    loop: source?.loop ?? null,
    detailedOutput: null,
  };
}

/** What `{{ phase.step.outputs.x }}` stood for, per document. */
function chaining({ documents }: DocumentRunResult): object {
  const entries = documents.flatMap(({ phases }) =>
    phases.flatMap((phase) =>
      phase.steps.flatMap((step) =>
        Object.entries(step.outputs[0] ?? {}).map(([name, value]) => [
          `${phase.name}.${step.name}.outputs.${name}`,
          value,
        ]),
      ),
    ),
  );
  return Object.fromEntries(entries);
}
