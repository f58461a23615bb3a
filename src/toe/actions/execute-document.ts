import { createHash, randomUUID } from 'node:crypto';
import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import type { InputsOf } from '../../documents/action-modules/module.ts';
import type { ComponentDocument } from '../../documents/component.ts';
import { parseComponent } from '../../documents/parse-component.ts';
import { coerceError } from '../../util/faults.ts';
import { parseObjectUri, readObjectText } from '../object-uri.ts';
import type { DocumentRunResult, NestedRun } from '../run-documents.types.ts';
import { StepFailedError } from '../step-failed.ts';
import { NestedRunSuspendedError, RunSuspendedError } from '../suspended-run.ts';
import { type ActionContext, type ActionResult, mapAction, mustRun } from './action.ts';
import { askPowerShell } from './run-powershell.ts';

/** Documents within one another: three below the first. Source: User Guide, "ExecuteDocument". */
const MAX_LEVELS = 3;
/** The service's limit for a component. */
const MAX_DOCUMENT_BYTES = 64 * 1024;

type Inputs = InputsOf<typeof ACTION_MODULES.ExecuteDocument>;

/** The document was run and failed: what is known about it goes on with the error. */
export class NestedRunFailedError extends StepFailedError {
  readonly run: NestedRun;
  readonly outputs: ActionResult['outputs'];
  readonly lastLines: readonly string[];
  readonly timedOut: boolean;

  constructor(message: string, run: NestedRun) {
    super(message);
    this.run = run;
    this.outputs = summaryOf(run.result);
    this.lastLines = run.result.firstFailure?.lastLines ?? [];
    this.timedOut = run.result.firstFailure?.timedOut ?? false;
  }
}

export const executeDocument = mapAction(ACTION_MODULES.ExecuteDocument, async (inputs, context) => {
  const { ancestors } = context;
  if (ancestors.length >= MAX_LEVELS) {
    throw new StepFailedError(`documents are nested deeper than ${MAX_LEVELS} levels: ${inputs.document} is not run`);
  }
  const { identity, id, text } = await fetchDocument(inputs, context);
  if (ancestors.includes(identity)) throw new StepFailedError(`the document ${id} runs itself, which has no end`);
  const document = checked(text, id, context);
  const parameters = parametersOf(inputs, document, context);
  const runnable = { id, document, parameters };
  const phases = phasesOf(inputs, document);
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([text, phases, parameters]))
    .digest('hex');
  const { suspended } = context;
  if (suspended !== undefined && suspended.fingerprint !== fingerprint) {
    throw new StepFailedError(`the document ${id} is not the one that was interrupted by the reboot`);
  }
  const executionId = suspended?.executionId ?? randomUUID();
  const result = await context
    .runNested({ identity, executionId, document: runnable, phases, resume: suspended?.progress })
    .catch((error: unknown) => {
      if (!(error instanceof RunSuspendedError)) throw error;
      throw new NestedRunSuspendedError({ fingerprint, executionId, progress: error.state });
    });
  const nested: NestedRun = { document: runnable, result };
  if (result.status === 'success') return { outputs: summaryOf(result), nested };
  const { firstFailure } = result;
  const where = firstFailure === undefined ? '' : ` step ${firstFailure.step}: ${firstFailure.errorMessage}`;
  throw new NestedRunFailedError(`${result.failureMessage}${where}`, nested);
});

interface FetchedDocument {
  /** The same for every name of the same document. */
  readonly identity: string;
  readonly id: string;
  readonly text: string;
}

async function fetchDocument(inputs: Inputs, context: ActionContext): Promise<FetchedDocument> {
  const { document: id } = inputs;
  if (/^arn:/.test(id)) {
    const { components } = context.services;
    if (components === undefined) throw new StepFailedError(`no component service is configured to read ${id} from`);
    const { arn, text } = await components(id, context.signal).catch((error: unknown) => {
      context.signal.throwIfAborted();
      throw new StepFailedError(`cannot read the document ${id}: ${coerceError(error).message}`);
    });
    return { identity: arn, id: arn, text };
  }
  if (id.startsWith('s3://')) {
    const place = parseObjectUri(id, inputs['document-s3-bucket-owner']);
    return {
      identity: id,
      id,
      text: await readObjectText(place, MAX_DOCUMENT_BYTES, context.services, context.signal),
    };
  }
  return readLocal(id, context);
}

/** The first line is the path without links, the rest the document. */
const READ_DOCUMENT = `
[ -f "$1" ] || { echo "there is no document $1" >&2; exit 1; }
path=$(readlink -f -- "$1") || exit 1
printf '%s\\n' "$path"
head -c "$2" < "$1"
`;

/** The first line is the path in its own spelling, the rest the document. */
export const READ_DOCUMENT_WINDOWS = `
if (-not (Test-Path -LiteralPath $in.path -PathType Leaf)) { Fail "there is no document $($in.path)" }
$item = Get-Item -LiteralPath $in.path -Force
if ($item.Length -gt $in.limit) { Fail "$($in.path) is larger than $($in.limit) bytes" }
Say ($item.FullName.ToLowerInvariant() + [char]10 + [IO.File]::ReadAllText($item.FullName))
`;

async function readLocal(id: string, context: ActionContext): Promise<FetchedDocument> {
  if (context.target.os === 'windows') {
    const values = { path: context.workspace.absolute(id), limit: MAX_DOCUMENT_BYTES };
    const said = await askPowerShell(context, READ_DOCUMENT_WINDOWS, values);
    const end = said.indexOf('\n');
    return { identity: said.slice(0, end), id, text: said.slice(end + 1) };
  }
  const limit = MAX_DOCUMENT_BYTES + 1;
  const { stdout } = await mustRun(context, READ_DOCUMENT, [context.workspace.absolute(id), String(limit)]);
  const cut = stdout.indexOf('\n');
  return { identity: stdout.slice(0, cut), id, text: stdout.slice(cut + 1) };
}

function checked(text: string, id: string, { target }: ActionContext): ComponentDocument {
  try {
    return parseComponent(text, id, { os: target.os, standardPhase: false });
  } catch (error) {
    throw new StepFailedError(`the document is not valid:\n${coerceError(error).message}`);
  }
}

function parametersOf(
  { parameters = [] }: Inputs,
  document: ComponentDocument,
  { output }: ActionContext,
): Readonly<Record<string, string>> {
  const given = Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
  for (const name of Object.keys(given)) {
    if (!document.parameters.some((declared) => declared.name === name)) {
      output.note(`ExecuteDocument: the document declares no parameter '${name}'; it is ignored`);
    }
  }
  const missing = document.parameters.find(({ name, default: value }) => value === undefined && !(name in given));
  if (missing !== undefined) throw new StepFailedError(`the parameter '${missing.name}' of the document has no value`);
  return given;
}

function phasesOf({ phases }: Inputs, document: ComponentDocument): readonly string[] | undefined {
  if (phases === undefined || phases.trim() === '') return undefined;
  const names = phases.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !document.phases.some((phase) => phase.name === name));
  if (unknown !== undefined) throw new StepFailedError(`the document has no phase '${unknown}'`);
  return names;
}

/** Keys in AWSTOE's order. The nested run has no log of its own. */
function summaryOf(result: DocumentRunResult): Readonly<Record<string, string | number>> {
  return {
    executedStepCount: result.executedStepCount,
    executionId: result.executionId,
    failedStepCount: result.failedStepCount,
    failureMessage: result.failureMessage,
    ignoredFailedStepCount: result.ignoredFailedStepCount,
    logUrl: '',
    status: result.status,
  };
}
