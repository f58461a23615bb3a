import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Instance } from '../build-host/build-host.ts';
import type { Command } from './command.ts';
import { sanitise } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { findAmi } from './find-ami.ts';
import { openBuildHost, openDisks } from './open-disks.ts';

/** How long a guest may take to answer. */
const BOOT_SECONDS = 600;

export const run: Command = {
  usage: 'AMI|ARN [--ssh] [--type INSTANCE_TYPE]',
  summary: 'Boots an image on a throw-away copy of its disk.',
  description: 'It says how to enter the guest and ends it at Ctrl-C; with --ssh at the end of the session.',
  positionals: { min: 1, max: 1 },
  options: {
    ssh: { type: 'boolean', help: 'enter the guest at once' },
    type: { type: 'string', value: 'INSTANCE_TYPE', help: 'its size, e.g. m5.large' },
    console: { type: 'boolean', help: 'print what the guest writes to its serial console' },
  },

  async run(args, { config, io, signal }) {
    const [image = ''] = args.positionals;
    const amiId = await findAmi(image, config, signal);
    const { imageStore } = await openDisks(config);
    const parentDisk = await imageStore.bootDisk(amiId);
    await using buildHost = openBuildHost(config);
    const instanceId = `i-${randomBytes(9).toString('hex').slice(0, 17)}`;
    const type = args.text('type');
    const monitor = {
      line: (source: string, text: string): void => {
        if (source !== 'console' || args.flag('console')) io.stderr.write(`${sanitise(text)}\n`);
      },
    };
    const request = {
      instanceId,
      parentDisk,
      instanceTypes: type === undefined ? [] : [type],
      extraVolumes: [],
      owner: `kiln run ${amiId}`,
      timeoutSeconds: BOOT_SECONDS,
    };
    await using stack = new AsyncDisposableStack();
    stack.defer(() => buildHost.terminate(instanceId));
    const instance = await buildHost.launch(request, { signal, monitor });
    if (args.flag('ssh')) return (await enter(instance)) === 255 ? EXIT.failed : EXIT.done;
    io.stdout.write(`${instanceId} runs ${amiId}\n  enter it:  ${instance.enterCommand}\n  end it:    Ctrl-C\n`);
    if (!signal.aborted) await once(signal, 'abort');
    return EXIT.done;
  },
};

/** A session on this terminal; gives ssh's exit code, 255 when ssh itself failed. */
async function enter({ enterCommand }: Instance): Promise<number> {
  // The line is the build host's own, quoted for a shell; nothing of it comes from a guest or a caller.
  const child = spawn('/bin/sh', ['-c', `exec ${enterCommand}`], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 255;
}
