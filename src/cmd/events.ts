import type { Command } from './command.ts';
import { connect } from './connect.ts';
import { sanitise } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { readServiceEvents } from './kiln-calls.ts';

export const events: Command = {
  usage: '[-f] [--after POSITION] [--json]',
  summary: 'Prints the events of the last 30 days, the oldest first.',
  description: "With --json each line is {position, event}, the event in EventBridge's envelope.",
  positionals: { min: 0, max: 0 },
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on with those that come' },
    after: { type: 'string', value: 'POSITION', help: 'only those after this one' },
    json: { type: 'boolean', help: 'one JSON object per line' },
  },

  async run(args, { config, io, signal }) {
    await using connection = await connect(config, signal, { builds: false });
    const request = { after: args.text('after') ?? '0', follow: args.flag('follow') };
    for await (const line of readServiceEvents(connection.address, request, signal)) {
      io.stdout.write(`${args.flag('json') ? JSON.stringify(line) : sanitise(plainEvent(line.event))}\n`);
    }
    return EXIT.done;
  },
};

/** `2026-11-23T10:00:00Z Image State Change image/web/1.0.0/1 TESTING -> AVAILABLE` */
function plainEvent(event: Readonly<Record<string, unknown>>): string {
  const { time, resources, detail } = event;
  const type = String(event['detail-type']).replace(/^EC2 Image Builder /, '');
  const [resource = ''] = Array.isArray(resources) ? resources : [];
  return [time, type, String(resource).split(':').slice(5).join(':'), plainDetail(detail)].join(' ');
}

function plainDetail(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return '';
  const states = detail as { state?: { status?: unknown }; 'previous-state'?: { status?: unknown } };
  if (states.state?.status === undefined) return JSON.stringify(detail);
  return [states['previous-state']?.status, states.state.status].filter((status) => status !== undefined).join(' -> ');
}
