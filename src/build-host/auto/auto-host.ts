import { BuildFailure, coerceError } from '../../util/faults.ts';
import type {
  BuildHost,
  Instance,
  InstanceSummary,
  LaunchContext,
  LaunchRequest,
  UnbootedInstance,
} from '../build-host.ts';
import type { DirectHost } from '../direct/direct-host.ts';
import type { DirectInstance } from '../direct/direct-instance.ts';
import { NeedsBoot } from '../direct/needs-boot.ts';

export interface AutoHostDrivers {
  readonly direct: DirectHost;
  readonly vm: BuildHost & AsyncDisposable;
}

const GOES_ON = 'it goes on with a machine that an earlier build had booted';

/** Instances of the executor that a request names; with `auto` a mounted disk that becomes a machine when one is needed. */
export function autoHost({ direct, vm }: AutoHostDrivers): BuildHost & AsyncDisposable {
  /** Instances that began as a mounted disk: `find` must give what they are now. */
  const begunDirect = new Map<string, Instance>();

  async function launchDirect(request: LaunchRequest, context: LaunchContext): Promise<Instance> {
    const mounted = await direct.launch(request, context).catch((error: unknown) => {
      if (!(error instanceof NeedsBoot)) throw error;
      throw new BuildFailure(`This image cannot be built without booting it: ${error.message}.`, {
        hint: 'Build it with the executor auto or vm.',
        cause: error,
      });
    });
    begunDirect.set(request.instanceId, mounted);
    context.monitor.line('kiln', `${request.instanceId} is a mounted disk; no machine is booted`);
    return mounted;
  }

  async function launchAuto(request: LaunchRequest, context: LaunchContext): Promise<Instance> {
    if (request.resumeFrom !== undefined) return booted(await vm.launch(request, context), GOES_ON);
    let mounted: DirectInstance;
    try {
      mounted = await direct.launch(request, context);
    } catch (thrown) {
      context.signal.throwIfAborted();
      const { message } = coerceError(thrown);
      context.monitor.line('kiln', `${request.instanceId} is booted before its first component: ${message}`);
      return booted(await vm.launch(request, context), message);
    }
    context.monitor.line('kiln', `${request.instanceId} is a mounted disk; it is booted when something needs that`);
    const instance = bootable(request, mounted);
    begunDirect.set(request.instanceId, instance);
    return instance;
  }

  function bootable(request: LaunchRequest, mounted: DirectInstance): Instance {
    let machine: Instance | undefined;
    const boot: Required<UnbootedInstance>['boot'] = async (context, goingOn) => {
      if (goingOn === undefined) {
        const { path } = await mounted.rollBack(context.signal);
        machine = await vm.launch({ ...request, overlay: path }, context);
      } else {
        const parentDisk = { path: goingOn.disk, format: 'qcow2' } as const;
        machine = await vm.launch({ ...request, parentDisk, resumeFrom: goingOn.state }, context);
      }
      await direct.terminate(request.instanceId);
    };
    const { checkpoint, caught } = mounted.unbooted;
    const unbooted = { checkpoint, caught, boot };
    return {
      instanceId: request.instanceId,
      get target() {
        return (machine ?? mounted).target;
      },
      get enterCommand() {
        return (machine ?? mounted).enterCommand;
      },
      stopForCapture: (context) => (machine ?? mounted).stopForCapture(context),
      get checkpointMachine() {
        return machine?.checkpointMachine;
      },
      get memoryInUse() {
        return machine?.memoryInUse;
      },
      get bootEnds() {
        return machine?.bootEnds;
      },
      get diskBelow() {
        return machine?.diskBelow;
      },
      get unbooted() {
        return machine === undefined ? unbooted : undefined;
      },
    };
  }

  return {
    launch: (request, context) => {
      if (request.executor === 'direct') return launchDirect(request, context);
      if (request.executor === 'auto') return launchAuto(request, context);
      return vm.launch(request, context);
    },
    find: async (instanceId) => begunDirect.get(instanceId) ?? (await vm.find(instanceId)),
    list: async () => mergeSummaries(await direct.list(), await vm.list()),
    terminate: async (instanceId) => {
      begunDirect.delete(instanceId);
      // Both: one that was being booted has a part in each.
      const ended = await Promise.allSettled([direct.terminate(instanceId), vm.terminate(instanceId)]);
      for (const outcome of ended) if (outcome.status === 'rejected') throw outcome.reason;
    },
    [Symbol.asyncDispose]: async () => {
      await direct[Symbol.asyncDispose]();
      await vm[Symbol.asyncDispose]();
    },
  };
}

/** The same machine, which says why it is one. Its members are looked up on it: they may change. */
function booted(machine: Instance, bootedBecause: string): Instance {
  return Object.create(machine, { bootedBecause: { value: bootedBecause, enumerable: true } });
}

function mergeSummaries(
  first: readonly InstanceSummary[],
  second: readonly InstanceSummary[],
): readonly InstanceSummary[] {
  const merged = new Map(first.map((summary) => [summary.instanceId, summary]));
  for (const summary of second) {
    const other = merged.get(summary.instanceId);
    merged.set(summary.instanceId, { ...summary, running: summary.running || other?.running === true });
  }
  return [...merged.values()];
}
