# One try to download a file; `digest` and `fail` are defined above. The URL is the first line of standard input: it may
# hold a signature that process lists must not show.
#   $1 destination  $2 overwrite  $3 algorithm  $4 checksum  $5 whether certificates do not matter
#   $6 partial file  $7 bytes of it that are there  $8 validator that the server gave for them, may be empty
# Exit status 75: another try may help, and standard output says what is there: `BYTES STATUS`, then the answer's headers.
destination=$1 overwrite=$2 algorithm=$3 checksum=$4 insecure=$5 part=$6 have=$7 validator=$8
rest=$part.rest head=$part.head log=$part.log
keep=
tidy() {
  rm -f -- "$rest" "$head" "$log"
  [ -n "$keep" ] || rm -f -- "$part"
}
trap tidy EXIT
trap 'exit 143' HUP INT TERM

# Ends this try; what is in the partial file is good.
later() {
  printf '%s\n' "$1" >&2
  keep=yes
  [ -e "$part" ] || : > "$part"
  printf '%s %s\n' "$(wc -c < "$part")" "${status:-000}"
  [ ! -e "$head" ] || cat "$head"
  exit 75
}
# Ends this try; the next one begins at the beginning.
anew() {
  printf '%s\n' "$1" >&2
  echo '0 000'
  exit 75
}

IFS= read -r url
[ -d "$destination" ] && fail "$destination is a folder: end the destination with / to put the file into it"
if [ -e "$destination" ]; then
  [ "$overwrite" = true ] || fail "$destination exists and overwrite is false"
  [ -n "$checksum" ] && [ "$(digest "$algorithm" "$destination")" = "$checksum" ] && exit 0
fi
mkdir -p -- "${destination%/*}/" || exit 1

# curl and wget take the lower-case names only, at least for http.
http_proxy=${http_proxy:-${HTTP_PROXY:-${all_proxy:-${ALL_PROXY-}}}}
https_proxy=${https_proxy:-${HTTPS_PROXY:-${all_proxy:-${ALL_PROXY-}}}}
no_proxy=${no_proxy:-${NO_PROXY-}}
export http_proxy https_proxy no_proxy

# Whether no_proxy names the host of the URL: the wget of busybox does not look.
bypassed() (
  host=${url#*://}
  host=${host%%[/?#]*}
  host=${host##*@}
  case $host in \[*) ;; *) host=${host%:*} ;; esac
  IFS=', '
  set -f
  for name in $no_proxy; do
    case $host in "${name#.}" | *."${name#.}") exit 0 ;; esac
    [ "$name" != '*' ] || exit 0
  done
  exit 1
)

if command -v curl >/dev/null 2>&1; then tool=curl
elif ! command -v wget >/dev/null 2>&1; then
  fail "WebDownload needs curl or wget on the machine, and it has neither"
elif wget --help 2>&1 | grep -q -- --start-pos; then tool=wget
else tool=busybox
fi
# It would send the request to the proxy as it is, for everybody on the way to read.
case $tool:$url in busybox:[Hh][Tt][Tt][Pp][Ss]:*)
  [ -z "$https_proxy" ] || bypassed ||
    fail "the wget of busybox opens no tunnel through a proxy for https: install curl or wget on the machine" ;;
esac

# Asks for the file from byte $1 on. Sets status and code; what came is in $rest.
fetch() {
  from=$1
  rm -f -- "$rest" "$head"
  set --
  case $tool in
    curl)
      [ "$insecure" = true ] && set -- --insecure
      [ "$from" = 0 ] || set -- "$@" --range "$from-"
      [ "$from" = 0 ] || [ -z "$validator" ] || set -- "$@" --header "If-Range: $validator"
      status=$(printf 'url = "%s"\n' "$url" | curl --config - --silent --show-error --globoff --location --max-redirs 20 \
        --proto =http,https --proto-redir =http,https --connect-timeout 30 --speed-limit 1 --speed-time 120 \
        --dump-header "$head" --output "$rest" --write-out '%{http_code}' "$@")
      code=$?
      return
      ;;
    wget)
      [ "$insecure" = true ] && set -- --no-check-certificate
      [ "$from" = 0 ] || set -- "$@" --start-pos="$from"
      [ "$from" = 0 ] || [ -z "$validator" ] || set -- "$@" --header="If-Range: $validator"
      printf '%s\n' "$url" | wget -S --tries=1 --timeout=60 --max-redirect=20 "$@" -O "$rest" -i - 2> "$log"
      code=$?
      ;;
    busybox)
      [ "$insecure" = true ] && set -- --no-check-certificate
      bypassed && set -- "$@" -Y off
      # It goes on with the file that is there.
      [ "$from" = 0 ] || { mv -f -- "$part" "$rest" && set -- "$@" -c; }
      [ "$from" = 0 ] || [ -z "$validator" ] || set -- "$@" --header "If-Range: $validator"
      # Without -T: Debian's crashes at it.
      wget -S "$@" -O "$rest" "$url" 2> "$log"
      code=$?
      ;;
  esac
  status=$(sed -n 's|^ *HTTP/[0-9.]* \([0-9][0-9][0-9]\).*|\1|p' "$log" | tail -n 1)
  grep '^ ' "$log" > "$head"
  [ "$code" = 0 ] || [ -n "$status" ] || cat "$log" >&2
}

begins_at() { sed -n 's|^ *[Cc]ontent-[Rr]ange: *bytes *\([0-9]*\)-.*|\1|p' "$head" | tail -n 1; }

fetch "$have"
# This wget takes a whole file that is no longer than what is there for one that has already arrived.
[ "$tool:$have:$status" = "wget:0:200" ] || [ "$tool:$status" != wget:200 ] || { have=0; fetch 0; }
[ -e "$rest" ] || : > "$rest"
case $have:$status in
  *:200) mv -f -- "$rest" "$part" || exit 1 ;;
  0:*) [ -n "$status" ] && [ "$status" != 000 ] || anew "$tool ended with exit status $code"
    anew "the server answered with HTTP status $status" ;;
  *:206)
    [ "$(begins_at)" = "$have" ] || anew "the server sent another part of the file than asked for"
    if [ "$tool" = busybox ]; then mv -f -- "$rest" "$part"; else cat -- "$rest" >> "$part"; fi || exit 1
    ;;
  *:416) anew "the server has no more of the file than what came before" ;;
  *)
    [ "$tool" != busybox ] || mv -f -- "$rest" "$part" || exit 1
    [ -n "$status" ] && [ "$status" != 000 ] || later "$tool ended with exit status $code"
    later "the server answered with HTTP status $status"
    ;;
esac
[ "$code" = 0 ] || later "the transfer broke off: $tool ended with exit status $code"
if [ -n "$checksum" ]; then
  actual=$(digest "$algorithm" "$part")
  [ "$actual" = "$checksum" ] || anew "the $algorithm checksum is $actual, not $checksum"
fi
mv -f -- "$part" "$destination"
