import { type ImagePipeline, paginateListImagePipelines } from '@aws-sdk/client-imagebuilder';
import type { Command } from './command.ts';
import { connect } from './connect.ts';
import { renderTable } from './display/table.ts';
import { EXIT } from './exit-codes.ts';

export const pipelines: Command = {
  usage: '[--json]',
  summary: 'Lists the image pipelines with their schedules and what became of their last run.',
  positionals: { min: 0, max: 0 },
  options: { json: { type: 'boolean', help: 'one JSON object per line' } },

  async run(args, { config, io, signal }) {
    await using connection = await connect(config, signal, { builds: false });
    const found: ImagePipeline[] = [];
    for await (const page of paginateListImagePipelines({ client: connection.client }, {})) {
      signal.throwIfAborted();
      found.push(...(page.imagePipelineList ?? []));
    }
    if (args.flag('json')) {
      for (const pipeline of found) io.stdout.write(`${JSON.stringify(pipeline)}\n`);
      return EXIT.done;
    }
    const head = ['NAME', 'STATUS', 'SCHEDULE', 'NEXT RUN', 'LAST RUN', 'LAST STATUS', 'FAILURES'];
    io.stdout.write(renderTable(head, found.map(rowOf)));
    return EXIT.done;
  },
};

function rowOf(pipeline: ImagePipeline): string[] {
  const { name = '', status = '', schedule, dateNextRun, dateLastRun, lastRunStatus, consecutiveFailures } = pipeline;
  const zone = schedule?.timezone === undefined || schedule.timezone === 'UTC' ? '' : ` ${schedule.timezone}`;
  return [
    name,
    status,
    schedule === undefined ? '' : `${schedule.scheduleExpression}${zone}`,
    minuteOf(dateNextRun),
    minuteOf(dateLastRun),
    lastRunStatus ?? '',
    consecutiveFailures ? String(consecutiveFailures) : '',
  ];
}

/** `2026-11-23 10:00` in UTC, as AWS tells it. */
function minuteOf(date: string | undefined): string {
  return (date ?? '').slice(0, 16).replace('T', ' ');
}
