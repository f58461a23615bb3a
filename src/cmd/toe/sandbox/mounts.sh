# Mounts the throwaway root folder of a sandbox, says so on standard output, and lives until it is killed: the mounts are
# in a namespace of its own and go with it. $1 is the folder of the sandbox. $2 is what lies below: a folder, or a disk of
# which $3 and $4 are the offset and size of its root file system.
set -eu
# Relative names: a comma or a colon in a path would be syntax of the overlay's options.
cd -- "$1"
if [ -d "$2" ]; then
  mount --bind -- "$2" lower
else
  # Nothing is written to the disk, not even its journal.
  mount -o "ro,norecovery,nodev,loop,offset=$3,sizelimit=$4" -- "$2" lower
fi

overlay() {
  mkdir -p layer/upper layer/work
  # dpkg must not start what it installs.
  mkdir -p layer/upper/usr/sbin
  printf '#!/bin/sh\nexit 101\n' >layer/upper/usr/sbin/policy-rc.d
  chmod 755 layer/upper layer/upper/usr layer/upper/usr/sbin layer/upper/usr/sbin/policy-rc.d
  layers=lowerdir=lower,upperdir=layer/upper,workdir=layer/work
  # Nothing of a sandbox has to survive a crash: where the kernel allows it, no write waits for the disk.
  mount -t overlay -o "$layers,volatile" overlay root 2>/dev/null || mount -t overlay -o "$layers" overlay root
}
# Some file systems cannot hold the upper layer, an overlay among them; memory can.
overlay 2>error || {
  mount -t tmpfs -o mode=700 tmpfs layer
  overlay
}
printf 'mounted\n'
while :; do read -r _ || exit; done
