# k0s UNIT SECONDS: waits until the API answers; tells in the end what keeps it from it.
k0s=$1 unit=$2
now() { read -r seconds _ </proc/uptime; printf '%s\n' "${seconds%%.*}"; }
until=$(($(now) + $3))
while :; do
  answer=$("$k0s" kubectl get --raw /readyz --request-timeout=5s 2>&1) && [ "$answer" = ok ] && exit 0
  [ "$(now)" -lt "$until" ] || break
  sleep 3
done
journalctl -q -o cat -n 200 -u "$unit" | grep -E 'level=error|level=fatal|respawning' | tail -n 5 >&2
printf 'the API does not answer after %s s: %s\n' "$3" "$answer" >&2
exit 1
