import type { ContextKey } from '../documents/component-expressions.ts';
import type { Clock } from '../util/clock.ts';
import { capture } from './capture.ts';
import { powerShellCommand, saidBy } from './powershell.ts';
import type { DocumentRun } from './run-documents.types.ts';
import { StepFailedError } from './step-failed.ts';
import type { Target, TargetOs } from './target.ts';

interface Machine {
  readonly hostname: string;
  readonly osName: string;
  readonly osVersion: string;
}

/** Go's names, which AWSTOE shows. */
const PLATFORMS: Readonly<Record<TargetOs, string>> = { linux: 'linux', macos: 'darwin', windows: 'windows' };

/** Values of `{{ context:… }}` and `{{ env:… }}`; what only the machine knows is asked for when first needed. */
export class TargetFacts {
  readonly #run: DocumentRun;
  readonly #clock: Clock;
  #machine: Machine | undefined;
  #environment: ReadonlyMap<string, string> | undefined;

  constructor(run: DocumentRun, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
  }

  async context(
    key: Exclude<ContextKey, 'uuid'>,
    place: { phase: string; step: string },
    signal: AbortSignal,
  ): Promise<string> {
    const now = this.#clock.now().toISOString();
    switch (key) {
      case 'executionId':
        return this.#run.executionId;
      case 'accountId':
        return this.#run.accountId || this.#askAccount(signal);
      case 'region':
        return this.#run.region || this.#askRegion(signal);
      case 'osPlatform':
        return PLATFORMS[this.#run.target.os];
      case 'date':
        return now.slice(0, 10);
      case 'dateTime':
        return `${now.slice(0, 19)}Z`;
      case 'phase':
        return place.phase;
      case 'step':
        return place.step;
      case 'hostname':
      case 'osName':
      case 'osVersion':
        this.#machine ??= await askMachine(this.#run.target, signal);
        return this.#machine[key];
    }
  }

  /** The caller did not say: an instance of EC2 knows. */
  async #askRegion(signal: AbortSignal): Promise<string> {
    const region = await this.#metadata('placement/region', signal);
    return region ?? unknown('Region', 'KILN_REGION or AWS_REGION');
  }

  /** Source: EC2 User Guide, "Instance metadata categories". Documents may not read it; it holds no secret but the account. */
  async #askAccount(signal: AbortSignal): Promise<string> {
    const text = await this.#metadata('identity-credentials/ec2/info', signal);
    const account = /"AccountId"\s*:\s*"(\d{12})"/.exec(text ?? '')?.[1];
    return account ?? unknown('account', 'KILN_ACCOUNT_ID');
  }

  async #metadata(path: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#run.services?.metadata?.(path, signal).catch(() => {
      signal.throwIfAborted();
      return undefined;
    });
  }

  /** What the run sets, else what the machine's own environment has. Undefined when neither has it. */
  async environment(name: string, signal: AbortSignal): Promise<string | undefined> {
    if (Object.hasOwn(this.#run.environment, name)) return this.#run.environment[name];
    this.#environment ??= await askEnvironment(this.#run.target, signal);
    return this.#environment.get(name);
  }

  /** A reboot may have changed name and environment. */
  invalidate(): void {
    this.#machine = undefined;
    this.#environment = undefined;
  }
}

function unknown(what: string, variables: string): never {
  throw new StepFailedError(`the ${what} of this machine is not known: set ${variables}`);
}

/** Windows has no os-release: `osVersion` is empty there, as AWSTOE has it. */
export const WINDOWS_MACHINE = `
Say (@{ hostname = [Environment]::MachineName; osName = (Get-CimInstance Win32_OperatingSystem).Caption; osVersion = '' } | ConvertTo-Json -Compress)
`;

/** NAME=value of every variable, each ended by NUL. */
export const WINDOWS_ENVIRONMENT = `
Say (([Environment]::GetEnvironmentVariables().GetEnumerator() | ForEach-Object { $_.Key + '=' + $_.Value + [char]0 }) -join '')
`;

async function askWindows(target: Target, script: string, signal: AbortSignal): Promise<string> {
  const { code, stdout, stderr } = await capture(target, { ...powerShellCommand(script, {}), signal });
  if (code !== 0) throw new StepFailedError(`the machine does not tell about itself: ${stderr.trim()}`);
  return saidBy(stdout);
}

async function askMachine(target: Target, signal: AbortSignal): Promise<Machine> {
  if (target.os === 'windows') return JSON.parse(await askWindows(target, WINDOWS_MACHINE, signal)) as Machine;
  const script = 'uname -n; cat /etc/os-release 2>/dev/null || :';
  const { code, stdout } = await capture(target, { argv: ['sh', '-c', script], signal });
  if (code !== 0) throw new StepFailedError('the machine does not tell its name');
  const [hostname = '', ...release] = stdout.split('\n');
  const value = (key: string): string => {
    const line = release.find((candidate) => candidate.startsWith(`${key}=`)) ?? '';
    return line.slice(key.length + 1).replace(/^(["'])(.*)\1$/, '$2');
  };
  return { hostname, osName: value('NAME'), osVersion: value('VERSION_ID') };
}

async function askEnvironment(target: Target, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const windows = target.os === 'windows';
  const stdout = windows
    ? await askWindows(target, WINDOWS_ENVIRONMENT, signal)
    : (await capture(target, { argv: ['env', '-0'], signal })).stdout;
  const entries = stdout.split('\0').filter((entry) => entry.includes('='));
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
}
