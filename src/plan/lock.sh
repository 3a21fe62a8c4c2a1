# labctl's lock of a host: VERB PATH [ID [DEAD-AFTER]]. The holder stands in the file: its id on the first line, who it is
# on the second. When it was last alive is the file's time of change, told by this host's own clock.
set -u
LC_ALL=C; export LC_ALL
lock=$2 id=${3-} limit=${4-}

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

case $1 in
look) [ ! -e "$lock" ] || tell ;;
take)
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
  if age "$lock" && [ "$age" -ge "$limit" ] && ln -- "$lock" "$dead" 2>/dev/null; then
    was=$held
    holder "$dead"
    if [ "$held" = "$was" ] && age "$dead" && [ "$age" -ge "$limit" ] && mv -f -- "$mine" "$lock"; then
      rm -f -- "$dead"
      exit 0
    fi
    rm -f -- "$dead"
  fi
  rm -f -- "$mine"
  tell
  exit 75
  ;;
beat | release)
  [ -e "$lock" ] || { [ "$1" = release ]; exit; }
  holder "$lock"
  [ "$held" = "$id" ] || { tell; exit 75; }
  case $1 in
  beat) touch -c -- "$lock" ;;
  release) rm -f -- "$lock" "$lock.$id.dead" ;;
  esac
  ;;
esac
