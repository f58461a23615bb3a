import type { ContextKey } from '../documents/component-expressions.ts';
import type { Clock } from '../util/clock.ts';
import { capture } from './capture.ts';
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
        return this.#run.accountId;
      case 'region':
        return this.#run.region;
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

async function askMachine(target: Target, signal: AbortSignal): Promise<Machine> {
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
  const { stdout } = await capture(target, { argv: ['env', '-0'], signal });
  const entries = stdout.split('\0').filter((entry) => entry.includes('='));
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
}
