import type { Command } from './command.ts';

interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Loaded when it is used: the start of one command must not pay for all others. */
  readonly load: () => Promise<Command>;
}

/** The subcommands, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'build',
    summary: 'Apply a template and build its image',
    load: async () => (await import('./build.ts')).build,
  },
  { name: 'apply', summary: 'Apply a template as a stack', load: async () => (await import('./apply.ts')).apply },
  { name: 'destroy', summary: 'Remove a stack', load: async () => (await import('./destroy.ts')).destroy },
  { name: 'plan', summary: 'Say what a build would do', load: async () => (await import('./plan.ts')).plan },
  { name: 'serve', summary: 'Run the service', load: async () => (await import('./serve.ts')).serve },
  { name: 'worker', summary: 'Build what a service queues', load: async () => (await import('./worker.ts')).worker },
  { name: 'images', summary: 'List images', load: async () => (await import('./images.ts')).images },
  {
    name: 'show',
    summary: 'Describe an image and what it took over',
    load: async () => (await import('./show.ts')).show,
  },
  { name: 'logs', summary: 'Print logs', load: async () => (await import('./logs.ts')).logs },
  {
    name: 'pipelines',
    summary: 'List image pipelines',
    load: async () => (await import('./pipelines.ts')).pipelines,
  },
  { name: 'pipeline', summary: 'Start a pipeline', load: async () => (await import('./pipeline.ts')).pipeline },
  { name: 'events', summary: 'Print events', load: async () => (await import('./events.ts')).events },
  { name: 'rule', summary: 'Manage where events go', load: async () => (await import('./rule.ts')).rule },
  { name: 'topic', summary: 'Manage SNS topics', load: async () => (await import('./topic.ts')).topic },
  {
    name: 'dead-letters',
    summary: 'Look at what could not be delivered',
    load: async () => (await import('./dead-letters.ts')).deadLetters,
  },
  {
    name: 'approve',
    summary: 'Let a waiting build go on',
    load: async () => (await import('./answer-step.ts')).approve,
  },
  { name: 'reject', summary: 'Fail a waiting step', load: async () => (await import('./answer-step.ts')).reject },
  {
    name: 'explain',
    summary: 'Say why a build failed',
    load: async () => (await import('./explain.ts')).explain,
  },
  { name: 'run', summary: 'Boot an image', load: async () => (await import('./run.ts')).run },
  {
    name: 'shell',
    summary: 'Enter the state before a component',
    load: async () => (await import('./shell.ts')).shell,
  },
  { name: 'export', summary: 'Write an image to a file', load: async () => (await import('./export.ts')).exportImage },
  { name: 'import', summary: 'Make a disk file an image', load: async () => (await import('./import.ts')).importImage },
  { name: 'rm', summary: 'Remove an image', load: async () => (await import('./rm.ts')).rm },
  { name: 'catalog', summary: 'List base images', load: async () => (await import('./catalog.ts')).catalog },
  {
    name: 'function',
    summary: 'Manage functions that workflows call',
    load: async () => (await import('./function.ts')).functionCommand,
  },
  {
    name: 'state-machine',
    summary: 'Manage state machines that workflows start',
    load: async () => (await import('./state-machine.ts')).stateMachine,
  },
  {
    name: 'principal',
    summary: 'Manage who may use the service',
    load: async () => (await import('./principal.ts')).principal,
  },
  { name: 'audit', summary: 'Print or verify the audit trail', load: async () => (await import('./audit.ts')).audit },
  {
    name: 'schema',
    summary: 'Print the JSON Schema of documents',
    load: async () => (await import('./schema.ts')).schema,
  },
  {
    name: 'cache',
    summary: 'Look at and empty the cache of builds',
    load: async () => (await import('./cache.ts')).cache,
  },
  { name: 'env', summary: 'Print what AWS clients need', load: async () => (await import('./env.ts')).env },
];
