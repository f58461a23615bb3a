import type { BuildHost, CheckpointContext, Instance, MachineCheckpoint } from '../../build-host/build-host.ts';
import type { CheckpointStore } from '../../image-store/checkpoint-store.ts';
import type { ImageStore } from '../../image-store/image-store.ts';
import type { Engine } from '../engine.ts';
import type { Life } from './life.ts';

/** What an engine has beside its database. */
export type Ports = Omit<Engine, 'db' | 'jobs' | 'workerId'>;

/** The ports of a process that may die: each use of one passes only while it lives. */
export function mortalPorts(ports: Ports, life: Life): Ports {
  const { functions, stateMachines, putParameter, checkpoints } = ports;
  return {
    ...ports,
    buildHost: mortalHost(ports.buildHost, life),
    imageStore: mortalStore(ports.imageStore, life),
    ...(functions === undefined
      ? {}
      : {
          functions: {
            invoke: (name, event, context) => life.act(() => functions.invoke(name, event, context), context.signal),
            call: (name, event, context) => life.act(() => functions.call(name, event, context), context.signal),
          },
        }),
    ...(stateMachines === undefined
      ? {}
      : {
          stateMachines: {
            execute: (request, context) => life.act(() => stateMachines.execute(request, context), context.signal),
            outliveCaller: (arn) => life.use(() => stateMachines.outliveCaller(arn)),
          },
        }),
    ...(putParameter === undefined
      ? {}
      : { putParameter: (parameter, signal) => life.act(() => putParameter(parameter, signal), signal) }),
    ...(checkpoints === undefined ? {} : { checkpoints: mortalCheckpoints(checkpoints, life) }),
  };
}

function mortalHost(host: BuildHost, life: Life): BuildHost {
  const mortal = (instance: Instance): Instance => ({
    instanceId: instance.instanceId,
    enterCommand: instance.enterCommand,
    target: { ...instance.target, run: (command) => life.act(() => instance.target.run(command), command.signal) },
    stopForCapture: (context) => life.act(() => instance.stopForCapture(context)),
    get unbooted() {
      return instance.unbooted;
    },
    get checkpointMachine() {
      const { checkpointMachine } = instance;
      if (checkpointMachine === undefined) return undefined;
      return (place: MachineCheckpoint, context: CheckpointContext) =>
        life.act(() => checkpointMachine(place, context));
    },
    diskBelow: instance.diskBelow,
  });
  return {
    launch: async (request, context) => mortal(await life.act(() => host.launch(request, context))),
    find: async (instanceId) => {
      const found = await life.use(() => host.find(instanceId));
      return found === undefined ? undefined : mortal(found);
    },
    list: () => life.use(() => host.list()),
    terminate: (instanceId) => life.act(() => host.terminate(instanceId)),
  };
}

function mortalStore(store: ImageStore, life: Life): ImageStore {
  return {
    ...store,
    get: (amiId) => life.use(() => store.get(amiId)),
    list: () => life.use(() => store.list()),
    capture: (request, context) => life.act(() => store.capture(request, context)),
    reuse: (request, context) => life.act(() => store.reuse(request, context)),
    describe: (amiId, description, context) => life.act(() => store.describe(amiId, description, context)),
    remove: (amiId) => life.act(() => store.remove(amiId)),
  };
}

function mortalCheckpoints(store: CheckpointStore, life: Life): CheckpointStore {
  return {
    ...store,
    newLayer: () => life.use(() => store.newLayer()),
    sealLayer: (name, on, signal) => life.act(() => store.sealLayer(name, on, signal)),
    discardLayers: (names) => life.act(() => store.discardLayers(names)),
    put: (checkpoint, signal) => life.act(() => store.put(checkpoint, signal)),
    get: (key) => life.use(() => store.get(key)),
    open: (key, signal) => life.use(() => store.open(key, signal)),
    below: (files, signal) => life.use(() => store.below(files, signal)),
    remove: (key) => life.act(() => store.remove(key)),
  };
}
