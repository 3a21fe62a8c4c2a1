# FILE UNIT SECONDS: waits until the kubelet has its own credentials; tells in the end what keeps it from them.
file=$1 unit=$2
now() { read -r seconds _ </proc/uptime; printf '%s\n' "${seconds%%.*}"; }
until=$(($(now) + $3))
while :; do
  [ ! -e "$file" ] || exit 0
  [ "$(now)" -lt "$until" ] || break
  sleep 3
done
journalctl -q -o cat -n 200 -u "$unit" | grep -E 'level=error|level=fatal|level=warning|respawning' | tail -n 5 >&2
printf 'it has not joined after %s s\n' "$3" >&2
exit 1
