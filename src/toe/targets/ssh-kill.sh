# Ends the processes of a command: those of the session of $1, their descendants, and whoever has $2 (NAME=value) in
# the environment. SIGTERM, two seconds, then SIGKILL. Exit code 0 when none is left.
# Runs on the machine that is being built: sh, grep and sleep are all there is.
known=" $1 " mark=$2

# Adds to `known` who belongs to it, and lists in `live` who of them runs.
look() {
  table='' live=''
  for entry in /proc/[0-9]*; do
    { IFS= read -r line <"$entry/stat"; } 2>/dev/null || continue
    # The second field is the program's name in parentheses and may hold anything, parentheses included.
    set -- ${line##*) }
    case $1 in Z | X | x) continue ;; esac
    # Threads of the kernel, which are most of what there is.
    case $2 in 0 | 2) continue ;; esac
    table="$table ${entry#/proc/}:$2:$4"
  done
  for entry in $(grep -lF -e "$mark" /proc/[0-9]*/environ 2>/dev/null); do
    entry=${entry#/proc/} entry=${entry%/environ}
    case $known in *" $entry "*) ;; *) known="$known$entry " ;; esac
  done
  grown=yes
  while [ "$grown" = yes ]; do
    grown=no
    for row in $table; do
      pid=${row%%:*} session=${row##*:} parent=${row#*:} parent=${parent%:*}
      case $known in *" $pid "*) continue ;; esac
      case $known in *" $parent "* | *" $session "*) known="$known$pid " grown=yes ;; esac
    done
  done
  for row in $table; do
    case $known in *" ${row%%:*} "*) live="$live ${row%%:*}" ;; esac
  done
}

now() {
  read -r now _ </proc/uptime
  now=${now%.*}
}

look
[ -z "$live" ] || kill -TERM $live 2>/dev/null
now
kill_at=$((now + 2)) end_at=$((now + 6))
while :; do
  look
  [ -n "$live" ] || exit 0
  now
  [ "$now" -lt "$end_at" ] || exit 1
  [ "$now" -lt "$kill_at" ] || kill -KILL $live 2>/dev/null
  sleep 0.1
done
