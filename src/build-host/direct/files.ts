/** Names of the files in an instance's folder, beside the record. */
export const FILES = {
  /** The overlay on the parent disk. */
  rootDisk: 'root.qcow2',
  /** Where the disk is seen as a raw file, within the daemon's mounts. */
  rawDisk: 'disk.raw',
  /** Where its root file system is mounted, within the daemon's mounts. */
  root: 'root',
  daemonSocket: 'daemon.sock',
  daemonLog: 'daemon.log',
  networkLog: 'network.log',
  resolver: 'resolv.conf',
} as const;
