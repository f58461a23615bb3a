# Follows a command that ssh-hold.sh runs, from byte $3 of its standard output and byte $4 of its standard error on, until
# it has ended. $1 is the folder of its output, $2 the process that holds it, $5 (NAME=value) is in that one's environment.
# Exit code 0: it has ended, and what is left of its output can be read. 97: there is no such command any more.
spool=$1 holder=$2 mark=$5
[ -d "$spool" ] || exit 97
tail -c "+$3" -f "$spool/out" 2>/dev/null &
first=$!
tail -c "+$4" -f "$spool/err" 2>/dev/null >&2 &
second=$!
trap 'kill "$first" "$second" 2>/dev/null' EXIT
trap 'exit 143' HUP INT TERM PIPE
# After a reboot another process may have this number.
alive() { grep -qF -e "$mark" "/proc/$holder/environ" 2>/dev/null; }
until [ -s "$spool/code" ]; do
  alive || [ -s "$spool/code" ] || exit 97
  sleep 0.2
done
# What was written last may still be on its way into the folder; a daemon that holds the output open is not waited for.
read -r one two <"$spool/tees"
tries=0
while { kill -0 "$one" || kill -0 "$two"; } 2>/dev/null && [ "$tries" -lt 10 ]; do
  sleep 0.2
  tries=$((tries + 1))
done
exit 0
