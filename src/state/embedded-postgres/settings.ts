/**
 * Server settings, for one writer on somebody's laptop rather than for a database host. What makes commits durable
 * (fsync, synchronous_commit, full_page_writes) stays as PostgreSQL has it: on.
 */
export const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  // A service and a handful of worker processes, which take up to 20 each (open-store.ts) and one to listen.
  max_connections: '150',
  shared_buffers: '32MB',
  // In the data directory, so that a killed server leaves nothing in /dev/shm.
  dynamic_shared_memory_type: 'mmap',
  // Nothing is replicated: fewer processes and less log.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  // Reads are small: no helper processes for them.
  io_method: 'sync',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  log_min_messages: 'warning',
  timezone: 'UTC',
};

/** Beside those, for data that may be lost with the machine. */
export const FORGETFUL_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
};
