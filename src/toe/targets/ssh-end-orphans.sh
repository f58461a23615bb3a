# Ends the commands that ssh-hold.sh runs for somebody who is not there any more: each has a folder, whose name marks its
# processes. $1 is ssh-kill.sh. Exit code 0 when none is left.
status=0
for spool in /var/tmp/.kiln-*; do
  [ -d "$spool" ] || continue
  /bin/sh -c "$1" kiln none "KILN_COMMAND=${spool#/var/tmp/.kiln-}" || status=1
  rm -rf -- "$spool"
done
exit "$status"
