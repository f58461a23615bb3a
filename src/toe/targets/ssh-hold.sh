# Runs a command so that it outlives the connection. $1 is the folder for its output, $2 how many bytes of standard input
# it has ("none": it has none), $3 its working directory ("" for this one), then follows the command.
# Output goes to the connection for as long as there is one, and always to the folder, which nobody else can enter; when
# the command has ended the folder has its exit code. On an emulated machine every process costs.
spool=$1 input=$2 directory=$3
shift 3
trap '' HUP PIPE
mkdir -m 700 -- "$spool" && mkfifo "$spool/1" "$spool/2" || exit 125
if [ "$input" = none ]; then exec 3</dev/null; else
  head -c "$input" >"$spool/in"
  # With half of its input it must not run at all.
  [ "$(wc -c <"$spool/in")" -eq "$input" ] || { rm -rf -- "$spool"; exit 125; }
  exec 3<"$spool/in"
fi
tee "$spool/out" <"$spool/1" 3<&- &
first=$!
tee "$spool/err" <"$spool/2" >&2 3<&- &
printf '%s\n' "$first $!" >"$spool/tees"
(
  trap - HUP PIPE
  [ -z "$directory" ] || cd -- "$directory" || exit 126
  exec "$@" <&3 3<&-
) >"$spool/1" 2>"$spool/2"
code=$?
# Whoever waits for it takes an empty file for none: it is written in one piece.
printf '%s\n' "$code" >"$spool/code"
exit "$code"
