# labctl's lock of a host: VERB PATH [ID [WORDS]]. The holder stands in the file: its id on the first line, who it is on
# the second. When it was last alive is the file's time of change, told by this host's own clock. Beside it stands what of
# it is in flight, a file a leg: the boot and the process group that it runs in on the first line, its steps on the second.
set -u
LC_ALL=C; export LC_ALL
lock=$2 id=${3-}

# age FILE: the seconds since its holder was alive. A clock that has jumped back counts as well as time that has passed.
age() {
  beat=$(stat -c %Y -- "$1" 2>/dev/null || stat -f %m -- "$1" 2>/dev/null) || return 1
  age=$(($(date +%s) - $beat))
  age=${age#-}
}
# holder FILE: the id in it.
holder() {
  held=
  [ -e "$1" ] && read -r held <"$1"
  case $held in '' | *[!0-9a-f]*) held=unknown ;; esac
}
# tell: how old it is, and what stands in it.
tell() { age "$lock" && printf '%s\n' "$age" && cat -- "$lock"; }
# boot: what tells one start of this host from the next; nothing where it has no such thing.
boot() { boot=; { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null; }
# group: the process group of this shell; nothing where there is no /proc.
group() { group=; { read -r _ _ _ _ group _ </proc/self/stat; } 2>/dev/null; }
# in_flight: the legs of who holds it that have not ended.
in_flight() {
  boot
  for leg in "$lock.$held.leg."*; do
    [ -e "$leg" ] || continue
    steps=
    { read -r noted _; read -r steps; } <"$leg"
    if [ "$noted" = "$boot" ]; then printf 'here %s\n' "$steps"; else printf 'cut %s\n' "$steps"; fi
  done
}
# has_members GROUP: whether a process group has any that is not over (a zombie is).
has_members() {
  for stat in /proc/[0-9]*/stat; do
    { read -r line <"$stat"; } 2>/dev/null || continue
    line=${line##*) }; state=${line%% *}; line=${line#* * }
    [ "${line%% *}" = "$1" ] && [ "$state" != Z ] && return
  done
  return 1
}
# is_at_work: whether a process is left of what the holder has in flight. Of one in this shell's own group nothing is known.
is_at_work() {
  boot; group
  for leg in "$lock.$held.leg."*; do
    [ -e "$leg" ] || continue
    read -r noted its <"$leg"
    [ "$noted" = "$boot" ] && [ -n "$its" ] && [ "$its" != "$group" ] || continue
    has_members "$its" && return
  done
  return 1
}
# is_dead FILE: whether who holds it is dead: silent for too long, or known to be over with nothing of it at work.
is_dead() { age "$1" && { [ "$age" -ge "$limit" ] || { [ "$held" = "$over" ] && ! is_at_work; }; }; }

case $1 in
look) [ ! -e "$lock" ] || { tell && holder "$lock" && in_flight; } ;;
take)
  limit=$4 over=${5-}
  folder=${lock%/*}
  [ -d "$folder" ] || mkdir -p -- "$folder" || exit 1
  mine=$lock.$id
  cat >"$mine" || exit 1
  # A link is made or not made; there is no moment in between.
  if complaint=$(ln -- "$mine" "$lock" 2>&1); then rm -f -- "$mine"; exit 0; fi
  [ -e "$lock" ] || { rm -f -- "$mine"; printf '%s\n' "$complaint" >&2; exit 1; }
  holder "$lock"
  # Taken before by a step whose answer was lost.
  if [ "$held" = "$id" ]; then rm -f -- "$mine"; touch -c -- "$lock"; exit; fi
  dead=$lock.$held.dead
  # Of all who find one dead holder, one alone can make this link.
  if is_dead "$lock" && ln -- "$lock" "$dead" 2>/dev/null; then
    was=$held
    holder "$dead"
    if [ "$held" = "$was" ] && is_dead "$dead" && mv -f -- "$mine" "$lock"; then
      rm -f -- "$dead" "$lock.$was.leg."*
      exit 0
    fi
    rm -f -- "$dead"
  fi
  rm -f -- "$mine"
  tell
  exit 75
  ;;
beat | begin | end | release)
  [ -e "$lock" ] || { [ "$1" = release ]; exit; }
  holder "$lock"
  [ "$held" = "$id" ] || { tell; exit 75; }
  verb=$1
  shift; shift; shift
  case $verb in
  beat) touch -c -- "$lock" && for leg in "$@"; do rm -f -- "$lock.$id.leg.$leg"; done ;;
  # A note that can't be written (a full disk) stops nothing: what puts things back must run.
  begin) boot; group; { printf '%s %s\n' "$boot" "$group" && cat; } >"$lock.$id.leg.$1"; touch -c -- "$lock" ;;
  end) rm -f -- "$lock.$id.leg.$1" ;;
  release) rm -f -- "$lock" "$lock.$id.dead" "$lock.$id.leg."* ;;
  esac
  ;;
esac
