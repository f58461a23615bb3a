# Removes from a machine what must not be in an image. Runs as root in the guest.
#
# $1  root of the file system, empty for the machine itself
# $2  working directory of the build: marker files, TOE_* folders
# $3  yes: clean up even without a perform_cleanup marker
#
# Rules: EC2 Image Builder User Guide, "Security best practices", required post-build clean-up.
set -u
root=$1
work=$2
clean=$3
failed=0

existing() {
  for path in "$@"; do
    if [ -e "$path" ] || [ -L "$path" ]; then printf '%s\0' "$path"; fi
  done
}

# Contents are overwritten first: a removed file's blocks would still be in the disk file of the image. As many paths at once as
# one program takes, for each program takes an emulated machine a tenth of a second.
remove() {
  existing "$@" | xargs -0 -r sh -c '
    find "$@" -xdev -type f -exec shred --force --iterations=1 --zero {} + >/dev/null 2>&1
    rm -rf -- "$@" 2>/dev/null
    failed=0
    for path in "$@"; do
      if [ -e "$path" ] || [ -L "$path" ]; then
        echo "Cannot remove $path" >&2
        failed=1
      else
        echo "Removed $path"
      fi
    done
    exit $failed' sh || failed=1
}

wanted() {
  [ ! -e "$root$work/skip_cleanup_$1" ] && return 0
  echo "Skipping cleanup of $1"
  return 1
}

# A slow machine may take commands while cloud-init is not through with the boot: what it still writes would stay.
while [ -z "$root" ] && [ -d /run/systemd/system ] &&
  [ -n "$(systemctl list-jobs --no-legend 'cloud-*' 2>/dev/null)" ]; do
  sleep 0.2
done

# Kiln's own key never stays, whatever the markers say.
for keys in "$root"/root/.ssh/authorized_keys "$root"/home/*/.ssh/authorized_keys; do
  [ -f "$keys" ] || continue
  grep -q ' kiln-build$' "$keys" || continue
  rest=$(grep -v ' kiln-build$' "$keys")
  shred --force --iterations=1 --zero "$keys" 2>/dev/null
  if [ -n "$rest" ]; then printf '%s\n' "$rest" >"$keys"; else rm -f -- "$keys"; fi
done

# Nor does what cloud-init keeps of the seed: the same key again, and a private host key.
remove "$root"/var/lib/cloud/instances/*/vendor-* "$root"/var/lib/cloud/instances/*/boothooks \
  "$root"/var/lib/cloud/instances/*/obj.pkl

if [ -e "$root$work/perform_cleanup" ]; then
  rm -f -- "$root$work/perform_cleanup"
elif [ "$clean" != yes ]; then
  echo "Skipping cleanup"
  exit $failed
fi

# What is still being written would come back.
[ -n "$root" ] || journalctl --relinquish-var >/dev/null 2>&1 || true

set --

if wanted cloudinit_files; then
  set -- "$@" "$root"/etc/sudoers.d/90-cloud-init-users "$root"/etc/locale.conf \
    "$root"/var/log/cloud-init.log "$root"/var/log/cloud-init-output.log "$root"/var/lib/cloud/*
fi

if wanted instance_files; then
  set -- "$@" "$root"/etc/.updated "$root"/etc/aliases.db "$root"/etc/hostname "$root"/var/.updated \
    "$root"/var/lib/misc/postfix.aliasesdb-stamp "$root"/var/lib/postfix/master.lock \
    "$root"/var/spool/postfix/pid/master.pid "$root"/var/lib/yum/.gpgkeyschecked.yum \
    "$root"/var/cache/yum/x86_64/2/.gpgkeyschecked.yum
fi

if wanted ssh_files; then
  for type in rsa ecdsa ed25519 dsa; do
    set -- "$@" "$root/etc/ssh/ssh_host_${type}_key" "$root/etc/ssh/ssh_host_${type}_key.pub"
  done
  set -- "$@" "$root"/root/.ssh/authorized_keys "$root"/home/*/.ssh/authorized_keys
fi

if wanted instance_log_files; then
  set -- "$@" "$root"/var/log/audit/audit.log "$root"/var/log/boot.log "$root"/var/log/dmesg "$root"/var/log/cron
fi

if wanted toe_files; then
  set -- "$@" "$root$work"/TOE_*
fi

if wanted ssm_log_files; then
  set -- "$@" "$root"/var/log/amazon/ssm
fi

remove "$@" "$root"/var/log/sa/sa* "$root"/var/lib/dhclient/*.lease* "$root"/var/lib/dhcp/*.lease* "$root"/var/tmp/* \
  "$root"/var/lib/systemd/random-seed "$root"/var/lib/rsyslog/imjournal.state "$root"/var/log/journal/*

# Empty, not absent: the next boot makes a new id without counting as the first boot ever.
: >"$root/etc/machine-id" || failed=1
[ -L "$root/var/lib/dbus/machine-id" ] || remove "$root"/var/lib/dbus/machine-id
exit $failed
