# SECONDS PROGRAM…: apt-get update, which waits so long while another apt has the lock, and tells in the end who has it.
now() { read -r seconds _ </proc/uptime; printf '%s\n' "${seconds%%.*}"; }
until=$(($(now) + $1)) pause=1
shift
while :; do
  said=$("$@" 2>&1) && exit 0
  code=$?
  case $said in *'Could not get lock'*) ;; *) break ;; esac
  [ "$(now)" -lt "$until" ] || break
  sleep "$pause"
  [ "$pause" -ge 16 ] || pause=$((pause + pause))
done
printf '%s\n' "$said" >&2
exit "$code"
