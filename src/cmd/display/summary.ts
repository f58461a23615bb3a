import type { Colors } from 'picocolors/types.js';
import type { BuildOutcome, RanOn } from './build-outcome.ts';
import { formatBytes, formatSeconds, sanitise } from './text.ts';

/** The lines with which `kiln build` ends. */
export function renderSummary(outcome: BuildOutcome, colours: Colors): readonly string[] {
  return [...times(outcome, colours), ...result(outcome, colours)];
}

function times({ steps, seconds }: BuildOutcome, colours: Colors): readonly string[] {
  const ran = steps.filter((step) => step.seconds !== undefined);
  if (ran.length === 0) return [];
  const width = Math.max(...ran.map((step) => step.name.length), 'Total'.length);
  const line = (name: string, time: string): string => `  ${sanitise(name).padEnd(width)}  ${time.padStart(10)}`;
  const rows = ran.map((step) => {
    const text = line(step.name, step.status === 'SKIPPED' ? 'skipped' : formatSeconds(step.seconds ?? 0));
    return step.status === 'FAILED' ? colours.red(text) : text;
  });
  return ['', ...rows, colours.bold(line('Total', formatSeconds(seconds))), ''];
}

function result(outcome: BuildOutcome, colours: Colors): readonly string[] {
  const { imageBuildVersionArn: arn, status, amiId, file, fileBytes, outputs, ranOn } = outcome;
  if (status !== 'AVAILABLE') return failure(outcome, colours);
  return [
    `${colours.green(status)}  ${arn}`,
    ...(amiId === undefined ? [] : [`AMI        ${amiId}   (kiln run ${amiId} boots it)`]),
    ...(ranOn === undefined ? [] : [`Ran        ${describeRun(ranOn)}`]),
    ...(file === undefined
      ? amiId === undefined
        ? []
        : [`File       was not written   (kiln export ${amiId} FILE writes it)`]
      : [`File       ${file}${fileBytes === undefined ? '' : `   ${formatBytes(fileBytes)}`}`]),
    ...outputs.map(({ name, value }) => `Output     ${name} = ${sanitise(value)}`),
  ];
}

function describeRun({ executors, because }: RanOn): string {
  const places = executors.split(', ').map((executor) => (executor === 'vm' ? 'on a machine' : 'on the mounted disk'));
  return places.join(', then ') + (because === undefined ? '' : `: ${sanitise(because)}`);
}

function failure(outcome: BuildOutcome, colours: Colors): readonly string[] {
  const { imageBuildVersionArn: arn, status, reason, failure: failed, tail, keptInstances } = outcome;
  const head = `${colours.red(status)}  ${arn}`;
  const why =
    failed === undefined
      ? (reason ?? '').split('\n').map((line) => `  ${sanitise(line)}`)
      : [
          `  component  ${failed.componentArn}`,
          `  phase      ${failed.phaseName}`,
          `  step       ${sanitise(failed.stepName)} (${failed.action})`,
          ...failed.errorMessage
            .split('\n')
            .map((line, index) => `  ${index === 0 ? 'error      ' : '           '}${sanitise(line)}`),
        ];
  const last =
    status === 'FAILED' && tail.length > 0 ? ['', '  last lines:', ...tail.map((line) => `    ${sanitise(line)}`)] : [];
  const kept = keptInstances.flatMap(({ instanceId, enterCommand }) => [
    '',
    `The instance ${instanceId} was kept.`,
    `  enter it:  ${enterCommand}`,
    `  end it:    kiln rm ${arn}`,
  ]);
  return [head, ...why.filter((line) => line.trim() !== ''), ...last, ...kept, '', `Whole log:   kiln logs ${arn}`];
}
