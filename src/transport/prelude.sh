# The shell functions that every script of labctl begins with. POSIX sh alone: dash, bash and macOS's sh run it.
# Nothing here leaves a trace: no temporary file but beside the file that is being written.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH
umask 022
if stat -c %a / >/dev/null 2>&1; then
  state() { stat -c '%F|%a|%U|%G|%s|%i %z' -- "$1"; }
else
  state() { stat -f '%HT|%Lp|%Su|%Sg|%z|%i %Fc' -- "$1"; }
fi
if printf '' | base64 -d >/dev/null 2>&1; then decode() { base64 -d; }; else decode() { base64 -D; }; fi
if command -v sha256sum >/dev/null 2>&1; then
  digest() { sha256sum -- "$1" | cut -d ' ' -f 1; }
else
  digest() { shasum -a 256 -- "$1" | cut -d ' ' -f 1; }
fi

# ask INDEX COMMAND…: one framed part. Standard output goes straight to the reply, so nothing is lost of binary data;
# standard error is kept in a variable until the part has ended. Returns what the command returned.
ask() {
  part=$1; shift
  printf '\n%s begin %s\n' "$N" "$part"
  { words=$( { "$@" </dev/null 3>&-; code=$?; printf '\n%s end %s %s\n' "$N" "$part" "$code"; exit "$code"; } 2>&1 >&3 ); code=$?; } 3>&1
  printf '%s\n%s done %s\n' "$words" "$N" "$part"
  return "$code"
}

# run COMMAND…: the command itself, so that a program that is not there gives 127 in every shell.
run() { command -v -- "$1" >/dev/null 2>&1 || { printf '%s: not found\n' "$1" >&2; return 127; }; "$@"; }

# file PATH LIMIT: the state of what is there on one line, then its bytes where it is a regular file of at most LIMIT.
file() {
  line=$(state "$1" 2>&1) || { printf '%s\n' "$line" >&2; return 1; }
  printf '%s\n' "$line"
  case $line in [Rr]egular*) ;; *) return 0 ;; esac
  size=${line#*|*|*|*|}; size=${size%%|*}
  [ "$size" -gt "$2" ] || cat -- "$1"
}

# hash PATH: its state and its SHA-256.
hash_of() { line=$(state "$1" 2>&1) || { printf '%s\n' "$line" >&2; return 1; }; printf '%s\n' "$line"; digest "$1"; }

# folder PATH SUFFIX: every regular file below it whose name ends so, each as by `file`, behind a line of its own.
folder() {
  [ -e "$1" ] || { state "$1" >/dev/null; return 1; }
  find "$1" -type f -name "*$2" | while IFS= read -r path; do
    printf '\n%s file %s\n' "$N" "${path#"$1"/}"
    file "$path" 1048576 || return 1
  done
}

# put PATH MODE OWNER GROUP BYTES DATA: written beside its place, private from its first byte, flushed, then renamed. What a
# put that was cut off has left beside it has the same name, so the next one takes it away.
put() {
  above=$(dirname -- "$1") && { [ -d "$above" ] || mkdir -p -- "$above"; } || return
  mode=$2; owner=$3; group=$4; name=${1##*/}
  [ "${#name}" -le 240 ] || name=$N
  beside=$above/.labctl-$name.new
  if old=$(state "$1" 2>/dev/null); then
    case $old in [Rr]egular*) ;; *) printf '%s is no regular file\n' "$1" >&2; return 1 ;; esac
    old=${old#*|}; [ -n "$mode" ] || mode=${old%%|*}
    old=${old#*|}; [ -n "$owner" ] || owner=${old%%|*}
    old=${old#*|}; [ -n "$group" ] || group=${old%%|*}
  fi
  trap 'rm -f -- "$beside"' EXIT
  rm -f -- "$beside"
  (umask 077; set -C; printf '%s' "$6" | decode >"$beside") || return
  [ -z "$5" ] || [ "$(wc -c <"$beside")" -eq "$5" ] || { printf 'only a part of %s could be written\n' "$1" >&2; return 1; }
  [ -z "$owner$group" ] || [ "$owner:$group" = "$(id -un):$(id -gn)" ] || chown -- "$owner${group:+:$group}" "$beside" || return
  chmod -- "${mode:-644}" "$beside" && flush "$beside" && mv -f -- "$beside" "$1" && flush "$above"
}

# keep PATH FOLDER: a copy of a file below FOLDER, named after its path and the time, for its owner alone; nothing where there
# is none. Copies that have lain there for thirty days go.
keep() {
  [ -f "$1" ] || return 0
  copy=$2/${1#/}.$(date -u +%Y%m%dT%H%M%SZ)
  above=${2%/*}
  { [ -d "$above" ] || mkdir -p -- "$above"; } && (umask 077; mkdir -p -- "${copy%/*}" && cp -- "$1" "$copy") && flush "$copy" ||
    { rm -f -- "$copy"; return 1; }
  find "$2" -type f -mtime +30 -exec rm -f -- {} +
}

# flush PATH: onto the disk; macOS's sync takes no path.
flush() { sync -- "$1" 2>/dev/null || sync; }

# feed DATA COMMAND…: the command, reading DATA.
feed() { data=$1; shift; printf '%s' "$data" | decode | run "$@"; }

# same_output EXPECTED COMMAND…, same_file STATE PATH: what a step relies on. What is found instead goes to stderr.
same_output() {
  expected=$1; shift
  found=$(run "$@" 2>&1 </dev/null)
  [ "$found" = "$expected" ] || { printf '%s\n' "$found" >&2; return 1; }
}
same_file() {
  found=absent
  if line=$(state "$2" 2>/dev/null); then found=${line#*|*|*|*|*|}; fi
  [ "$found" = "$1" ] || { printf 'it was touched since the plan was made\n' >&2; return 1; }
}
