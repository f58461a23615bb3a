import type { Command } from './command.ts';
import { connect } from './connect.ts';
import { plainLine } from './display/plain-report.ts';
import { sanitise } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { followBuild } from './service-client.ts';

export const logs: Command = {
  usage: 'ARN [-f] [--console]',
  summary: 'Prints the log of a build.',
  positionals: { min: 1, max: 1 },
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on until the build ends' },
    console: { type: 'boolean', help: 'with the serial console of the instances' },
  },

  async run(args, { config, io, signal }) {
    const [arn = ''] = args.positionals;
    await using connection = await connect(config, signal);
    for await (const line of followBuild(connection.address, arn, args.flag('follow'), signal)) {
      const isConsole = line.kind === 'log' && line.source === 'console';
      const text =
        isConsole && args.flag('console') ? `${line.at.slice(11, 19)}    : ${sanitise(line.message)}` : plainLine(line);
      if (text !== undefined) io.stdout.write(`${text}\n`);
    }
    return EXIT.done;
  },
};
