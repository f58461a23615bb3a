import { RebootByCallerError } from '../../toe/suspended-run.ts';
import type { Target } from '../../toe/target.ts';
import { localTarget } from '../../toe/targets/local.ts';
import { type CommandArguments, type CommandContext, UsageError } from '../command.ts';

/** The machine that a run acts on. */
export interface RunTarget extends AsyncDisposable {
  readonly target: Target;
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path on the target. */
  readonly workingDirectory: string;
  readonly isSandbox: boolean;
}

export async function openRunTarget(args: CommandArguments, context: CommandContext): Promise<RunTarget> {
  const base = args.text('base');
  if (args.flag('sandbox')) return openSandboxTarget(base, context);
  if (base !== undefined) throw new UsageError('--base needs --sandbox');
  const { environment } = context.config;
  const cwd = process.cwd();
  return {
    // Kiln never reboots the machine that somebody works on: the run is saved, and whoever started it reboots.
    target: { ...localTarget({ environment, cwd }), reboot: () => Promise.reject(new RebootByCallerError()) },
    environment,
    workingDirectory: cwd,
    isSandbox: false,
    [Symbol.asyncDispose]: async () => {},
  };
}

/** What steps in a sandbox have as their environment, as on a machine that was just booted; nothing of the caller's. */
const SANDBOX_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  // There is no systemd in a sandbox: units can be enabled, and starting them does nothing.
  SYSTEMD_OFFLINE: '1',
};

/** How this machine reaches the network is how a sandbox does. */
const PASSED_ON = /^(https?|ftp|no|all)_proxy$/i;

async function openSandboxTarget(base: string | undefined, context: CommandContext): Promise<RunTarget> {
  const [{ findBase }, { openSandbox }] = await Promise.all([
    import('./sandbox/base-disk.ts'),
    import('./sandbox/sandbox.ts'),
  ]);
  const { ensureHome } = await import('../kiln-home.ts');
  const { home, environment } = context.config;
  await ensureHome(home);
  const proxies = Object.entries(environment).filter(([name]) => PASSED_ON.test(name));
  const own = { ...SANDBOX_ENVIRONMENT, ...Object.fromEntries(proxies) };
  const options = { folder: `${home.path}/run/sandboxes`, base: await findBase(base, context), environment: own };
  const sandbox = await openSandbox(options, context.signal);
  return {
    target: sandbox.target,
    environment: own,
    workingDirectory: '/tmp/toe',
    isSandbox: true,
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}
