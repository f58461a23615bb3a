# The first process of a container, in namespaces of its own: makes the root folder $1 its file system, says so on
# standard output, and lives until it is killed. With it the kernel ends every other process.
# $2 is the host name, $3 a file that tells how names are resolved or nothing, then follow binds: SOURCE PATH ro|rw …
# Runs on the host with the host's programs, until the host's file system is taken away.
set -eu
root=$1 hostname=$2 resolver=$3
shift 3

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

# /proc is still the host's and tells our process id there.
read -r pid _ </proc/self/stat

# A link where something is to be mounted would lead out of the root folder.
place() {
  [ ! -L "$root/$1" ] || fail "$root/$1 is a link, nothing can be mounted there"
}
folder() {
  place "$1"
  mkdir -p -- "$root/$1"
}

options=$(findmnt -n -o VFS-OPTIONS -T "$root")
mount --rbind -- "$root" "$root"
# A device node that a package makes must not open a device of the host.
mount -o "remount,bind,$options,nodev" -- "$root"
for path in proc sys dev run tmp; do folder "$path"; done
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
# Settings of the kernel and of devices are the host's.
for path in sys bus fs irq scsi acpi sysrq-trigger; do
  [ -e "$root/proc/$path" ] || continue
  mount --bind "$root/proc/$path" "$root/proc/$path"
  mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/$path"
done
# Nor is anybody's business in there what this machine is made of or does.
for path in kcore keys kmsg timer_list sched_debug partitions diskstats; do
  [ ! -e "$root/proc/$path" ] || mount --bind /dev/null "$root/proc/$path"
done
mount -t tmpfs -o mode=755,nosuid,nodev,noexec,size=64k tmpfs "$root/sys"
for path in class bus block dev firmware fs/cgroup kernel module devices/system/cpu devices/system/node; do
  mkdir -p -- "$root/sys/$path"
done
for path in devices/system/cpu devices/system/node; do
  [ -d "/sys/$path" ] || continue
  mount --bind "/sys/$path" "$root/sys/$path"
  mount -o remount,bind,ro,nosuid,nodev,noexec "$root/sys/$path"
done
mount -o remount,ro,nosuid,nodev,noexec "$root/sys"
mount -t tmpfs -o mode=755,nosuid,nodev,size=1m tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/.host"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,nosuid,noexec devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev,size=25% tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mount -t tmpfs -o mode=755,nosuid,nodev,size=10% tmpfs "$root/run"
mkdir -m 1777 "$root/run/lock"

while [ "$#" -ge 3 ]; do
  path=${2#/}
  if [ -d "$1" ]; then folder "$path"; else
    place "$path"
    # Nothing of the root folder's own is below /run: no link can lead out of it.
    case $path in run/*) mkdir -p -- "$root/${path%/*}" ;; esac
    [ -e "$root/$path" ] || : >"$root/$path"
  fi
  mount --rbind -- "$1" "$root/$path"
  [ "$3" = rw ] || mount -o remount,bind,ro -- "$root/$path"
  shift 3
done

# How names are resolved. The file may be a link to one that a service makes below /run.
if [ -n "$resolver" ] && [ -e "$resolver" ]; then
  cp -- "$resolver" "$root/run/.resolv.conf"
  if [ -L "$root/etc/resolv.conf" ]; then
    target=$(readlink -- "$root/etc/resolv.conf")
    case $target in
    /run/* | ../run/*)
      target=$root/run/${target#*run/}
      mkdir -p -- "${target%/*}"
      cp -- "$resolver" "$target"
      ;;
    esac
  elif [ -f "$root/etc/resolv.conf" ]; then
    mount --bind "$root/run/.resolv.conf" "$root/etc/resolv.conf"
  fi
fi
[ -n "$resolver" ] || ip link set lo up 2>/dev/null || :
printf '%s' "$hostname" >/proc/sys/kernel/hostname

cd -- "$root"
pivot_root . dev/.host
cd /
# From here on nothing of the host's programs can be started. Standard input never has anything: `read` ends only when a
# child does, and orphans of commands are our children. `jobs` takes note of those that ended.
trap : CHLD
printf '%s\n' "$pid"
while :; do read -r _ || jobs; done
