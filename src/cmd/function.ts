import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { FUNCTION_NAME, functionRegistry, LIMITS, RUNTIMES, type Runtime } from '../functions/local/registry.ts';
import { type Command, type CommandArguments, type CommandContext, UsageError } from './command.ts';
import { renderTable } from './display/table.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { ensureHome } from './kiln-home.ts';

const DEFAULT_MEMORY_MIB = 128;
const DEFAULT_TIMEOUT_SECONDS = 3;

export const functionCommand: Command = {
  usage: 'add NAME DIR --handler FILE.FUNCTION | list | rm NAME',
  summary: 'Manages the functions that steps of workflows call (lambdaFunctionName).',
  description:
    'A function runs on this machine as a process of its own, over the Lambda Runtime API: Node and Python files, or a\n' +
    'program named `bootstrap` in DIR, which may be of any language. The folder is copied; add again to change it.',
  positionals: { min: 1, max: 3 },
  options: {
    handler: { type: 'string', value: 'FILE.FUNCTION', help: 'what is called, e.g. index.handler' },
    runtime: { type: 'string', value: 'NAME', help: `${RUNTIMES.join(', ')}; default: what DIR holds` },
    memory: { type: 'string', value: 'MIB', help: `default ${DEFAULT_MEMORY_MIB}` },
    timeout: { type: 'string', value: 'SECONDS', help: `default ${DEFAULT_TIMEOUT_SECONDS}` },
    env: { type: 'string', value: 'NAME=VALUE', multiple: true, help: 'its environment; it has no other' },
  },

  async run(args, context) {
    const [action, name = '', folder] = args.positionals;
    if (action === 'list') return list(context);
    if (action === 'rm') return remove(name, context);
    if (action !== 'add' || folder === undefined)
      throw new UsageError('usage: kiln function add NAME DIR | list | rm NAME');
    return add(name, folder, args, context);
  },
};

async function add(
  name: string,
  folder: string,
  args: CommandArguments,
  { config, io, signal }: CommandContext,
): Promise<ExitCode> {
  if (!FUNCTION_NAME.test(name)) throw new UsageError(`'${name}' cannot be a name: 1 to 64 letters, digits, - and _`);
  const handler = args.text('handler') ?? 'index.handler';
  const definition = {
    ...{ name, handler, runtime: await runtimeOf(args.text('runtime'), folder, handler) },
    memoryMiB: within('--memory', args.text('memory'), LIMITS.memoryMiB) ?? DEFAULT_MEMORY_MIB,
    timeoutSeconds: within('--timeout', args.text('timeout'), LIMITS.timeoutSeconds) ?? DEFAULT_TIMEOUT_SECONDS,
    environment: Object.fromEntries(args.texts('env').map(variable)),
  };
  await ensureHome(config.home);
  await functionRegistry(config.home.functions).add(definition, path.resolve(folder), signal);
  io.stderr.write(`kiln: added ${name} (${definition.runtime})\n`);
  return EXIT.done;
}

async function runtimeOf(wanted: string | undefined, folder: string, handler: string): Promise<Runtime> {
  if (wanted !== undefined) {
    const runtime = RUNTIMES.find((known) => known === wanted);
    if (runtime === undefined) throw new UsageError(`--runtime must be one of ${RUNTIMES.join(', ')}`);
    return runtime;
  }
  if (await isThere(folder, 'bootstrap', constants.X_OK)) return 'provided';
  const file = handler.slice(0, Math.max(0, handler.lastIndexOf('.')));
  for (const ending of ['mjs', 'js', 'cjs']) if (await isThere(folder, `${file}.${ending}`)) return 'nodejs';
  if (await isThere(folder, `${file}.py`)) return 'python';
  throw new UsageError(
    `${folder} has neither a program 'bootstrap' nor a file ${file}.mjs, .js, .cjs or .py (--handler)`,
  );
}

function isThere(folder: string, file: string, mode: number = constants.R_OK): Promise<boolean> {
  return access(path.join(folder, file), mode).then(
    () => true,
    () => false,
  );
}

function within(option: string, text: string | undefined, [min, max]: readonly [number, number]): number | undefined {
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} must be from ${min} to ${max}`);
}

function variable(text: string): readonly [string, string] {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined)
    throw new UsageError(`--env must be NAME=VALUE, not '${text}'`);
  return [match[1], match[2]];
}

async function list({ config, io }: CommandContext): Promise<ExitCode> {
  const rows = (await functionRegistry(config.home.functions).list()).map((one) => [
    ...[one.name, one.runtime, one.handler, `${one.memoryMiB} MiB`, `${one.timeoutSeconds} s`],
  ]);
  io.stdout.write(renderTable(['NAME', 'RUNTIME', 'HANDLER', 'MEMORY', 'TIME'], rows));
  return EXIT.done;
}

async function remove(name: string, { config, io, signal }: CommandContext): Promise<ExitCode> {
  if (!(await functionRegistry(config.home.functions).remove(name, signal))) {
    throw new UsageError(`there is no function '${name}'`);
  }
  io.stderr.write(`kiln: removed ${name}\n`);
  return EXIT.done;
}
