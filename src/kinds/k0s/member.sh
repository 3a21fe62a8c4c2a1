# k0s NODE SECONDS: waits until the node is Ready in the cluster; tells in the end what the cluster says of it.
k0s=$1 node=$2
now() { read -r seconds _ </proc/uptime; printf '%s\n' "${seconds%%.*}"; }
until=$(($(now) + $3))
while :; do
  answer=$("$k0s" kubectl get node "$node" --no-headers --request-timeout=5s 2>&1)
  case $answer in "$node "*' Ready '* | "$node "*' Ready,'*) exit 0 ;; esac
  [ "$(now)" -lt "$until" ] || break
  sleep 3
done
printf 'it is not Ready after %s s: %s\n' "$3" "$answer" >&2
exit 1
