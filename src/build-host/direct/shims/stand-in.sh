#!/bin/sh
# Stands in a container in the place of a program that asks something of the running system. There is none: what cannot
# be obeyed by changing files is taken down in /run/kiln/caught, and the component is then run again on a booted machine.
# The program itself is at /run/kiln/real/NAME.
#
# Maintainer scripts of packages know how to do without a running system: they get what any chroot gives them.

name=${0##*/}
real=/run/kiln/real/$name

# Only names are taken down: arguments may hold secrets.
caught() {
  printf '%s\n' "$name${1:+ $1}" >>/run/kiln/caught
  printf 'kiln: %s needs a running system\n' "$name${1:+ $1}" >&2
  exit 1
}

package=${DPKG_MAINTSCRIPT_PACKAGE-}

case $name in
update-initramfs | update-grub | update-grub2 | grub-mkconfig | grub2-mkconfig | grub-install | grub2-install | dracut | kernel-install)
  # What they write depends on the machine that they run on.
  [ "${1-}" = --version ] || caught
  exec "$real" "$@"
  ;;
invoke-rc.d | deb-systemd-invoke | start-stop-daemon | service)
  # Packages start no services: their own scripts are told that a policy forbids it.
  [ -n "$package" ] || caught
  exit 0
  ;;
esac

[ -z "$package" ] || exec "$real" "$@"

case $name in
systemctl)
  verb=
  for word in "$@"; do
    case $word in
    --now) caught --now ;;
    --root=* | --image=* | --version | --help | -h) exec "$real" "$@" ;;
    -*) ;;
    *) [ -n "$verb" ] || verb=$word ;;
    esac
  done
  case $verb in
  enable | disable | reenable | preset | preset-all | mask | unmask | is-enabled | link | revert | add-wants | add-requires | \
    get-default | set-default | list-unit-files | cat)
    exec "$real" "$@"
    ;;
  # Nothing runs that would have to read its files again.
  daemon-reload | daemon-reexec) exit 0 ;;
  *) caught "${verb:-list-units}" ;;
  esac
  ;;
modprobe)
  for word in "$@"; do
    case $word in
    -n | --dry-run | --show | -D | --show-depends | -c | --showconfig | -R | --resolve-alias | -V | --version) exec "$real" "$@" ;;
    esac
  done
  caught
  ;;
useradd | groupadd)
  # Their numbers go on from those of the users that the first boot makes.
  for word in "$@"; do
    case $word in -r | --system | --help | -h) exec "$real" "$@" ;; esac
  done
  caught
  ;;
mount)
  case ${1-} in -V | --version | -h | --help) exec "$real" "$@" ;; esac
  caught
  ;;
kmod | depmod | modinfo) exec "$real" "$@" ;;
*)
  case ${1-} in -V | --version) exec "$real" "$@" ;; esac
  caught
  ;;
esac
