#!/bin/sh
# labctl's hand on this host while its network changes. labctl puts it here, together with a file of facts, and runs
# it by verb; when labctl is gone, a timer runs `put-back`. It evaluates nothing that it reads.
#
# facts, one a line:
#   made DEVICE              the change makes it: a put-back deletes it
#   left DEVICE              the change deletes it
#   owned DEVICE             the change decides what is on it; everything else must stay as it is
#   hidden FILE              while the change is not kept, a file of this name in /run/netplan stands for the one in /etc
#   address DEVICE ADDRESS   must be there in the end
#   leased DEVICE            must have an address in the end
#   route DEVICE TO VIA [METRIC]
#   gateway DEVICE ADDRESS   must answer in the end
set -u -f
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH
here=${LABCTL_NETWORK:-/run/labctl/network}
netplan_run=${LABCTL_NETPLAN_RUN:-/run/netplan}
sys_net=${LABCTL_SYS_NET:-/sys/class/net}
umask 077

# facts KIND: what follows the kind, line by line.
facts() { while read -r kind rest; do [ "$kind" != "$1" ] || printf '%s\n' "$rest"; done <"$here/facts"; }
# is KIND REST: whether that is a fact; has FILE LINE: whether the file has that very line. A program for each would be
# slow on a small host.
is() { has "$here/facts" "$1 $2"; }
has() { while IFS= read -r line; do [ "$line" != "$2" ] || return 0; done <"$1"; return 1; }
exists() { [ -e "$sys_net/$1" ]; }
now() { read -r seconds _ </proc/uptime; printf '%s\n' "${seconds%%.*}"; }

# DEVICE ADDRESS of every IPv4 address that is not leased.
addresses() {
  ip -4 -o addr show | while read -r _ device _ address rest; do
    case " $rest " in *' dynamic '*) continue ;; esac
    printf '%s %s\n' "$device" "$address"
  done
}

# The main table's routes that somebody has set, as `ip route add` takes them.
routes() {
  ip -4 -o route show table main | while read -r route; do
    case " $route " in *' proto kernel '* | *' proto dhcp '* | *' proto ra '* | *' nexthop '*) continue ;; esac
    kept=
    for word in $route; do
      case $word in linkdown | dead | offload | rt_offload | trap | rt_trap) ;; *) kept="$kept $word" ;; esac
    done
    printf '%s\n' "${kept# }"
  done
}

# DEVICE BRIDGE of every port of a bridge.
ports() {
  set +f
  for port in "$sys_net"/*/brport; do
    [ -e "$port" ] || continue
    port=${port%/brport}
    printf '%s %s\n' "${port##*/}" "$(basename "$(readlink "$port/master")")"
  done
  set -f
}

# DEVICE BYTES of every device's largest packet.
sizes() {
  set +f
  for file in "$sys_net"/*/mtu; do
    device=${file%/mtu}
    ! read -r bytes <"$file" || printf '%s %s\n' "${device##*/}" "$bytes"
  done
  set -f
}

# find_device ROUTE: sets `device` and `via`.
find_device() {
  device='' via=''
  # shellcheck disable=SC2086 # words
  set -- $1
  while [ $# -gt 1 ]; do case $1 in dev) device=$2 ;; via) via=$2 ;; esac; shift; done
}

# is_others_route ROUTE DEVICE VIA: whether the change has no say about it: another device's, or one that a program or
# a person has set. With the network of its next hop, a route goes for good.
is_others_route() {
  is owned "$2" || return 0
  [ -z "$3" ] || [ -n "$(ip -4 route show match "$3" dev "$2" scope link 2>/dev/null)" ] || return 1
  case $1 in default* | *' proto static'*) return 1 ;; esac
  while read -r kind _ to _; do [ "$kind $to" != "route ${1%% *}" ] || return 1; done <"$here/facts"
}

# lost others|all: what was there before and is not there now: what is no business of this change, or anything.
lost() {
  addresses >"$here/addresses.now"
  while read -r device address; do
    exists "$device" || continue
    [ "$1" = all ] || ! is owned "$device" || continue
    has "$here/addresses.now" "$device $address" || echo "address $device $address"
  done <"$here/addresses.before"
  ports >"$here/ports.now"
  while read -r device bridge; do
    { exists "$device" && exists "$bridge"; } || continue
    [ "$1" = all ] || ! is owned "$device" || continue
    has "$here/ports.now" "$device $bridge" || echo "port $device $bridge"
  done <"$here/ports.before"
  if [ "$1" = all ]; then
    sizes >"$here/sizes.now"
    while read -r device bytes; do
      ! exists "$device" || has "$here/sizes.now" "$device $bytes" || echo "size $device $bytes"
    done <"$here/sizes.before"
  fi
  routes >"$here/routes.now"
  while read -r route; do
    find_device "$route"
    exists "$device" || continue
    [ "$1" = all ] || is_others_route "$route" "$device" "$via" || continue
    has "$here/routes.now" "$route" || echo "route $route"
  done <"$here/routes.before"
}

# restore others|all: what is lost, put again where that can be done. networkd takes away what it does not know.
restore() {
  lost "$1" | while read -r what rest; do
    # shellcheck disable=SC2086 # words
    case $what in
      address) ip addr add "${rest#* }" dev "${rest%% *}" ;;
      port) ip link set dev "${rest%% *}" master "${rest#* }" ;;
      size) ip link set dev "${rest%% *}" mtu "${rest#* }" ;;
      route) ip route replace $rest ;;
    esac && echo "restored: $what $rest"
  done
}

# answers DEVICE ADDRESS: to ping, or at least to ARP on that very device: some gateways are silent to ping.
answers() {
  ip neigh flush dev "$1" to "$2" 2>/dev/null
  ping -c 1 -W 2 -I "$1" "$2" >/dev/null 2>&1 && return
  case $(ip -4 neigh show to "$2" dev "$1" 2>/dev/null) in *REACHABLE*) ;; *) return 1 ;; esac
}

# What is not yet as it must be, one a line.
missing() {
  facts address | while read -r device address; do
    ip -4 -o addr show dev "$device" 2>/dev/null | grep -Fq -e " $address " || echo "$device does not have $address"
  done
  facts leased | while read -r device; do
    ip -4 -o addr show dev "$device" 2>/dev/null | grep -q . || echo "$device got no address by DHCP"
  done
  facts route | while read -r device to via metric; do
    [ -n "$(ip -4 route show "$to" via "$via" dev "$device" ${metric:+metric "$metric"} 2>/dev/null)" ] ||
      echo "the route $to via $via is not on $device"
  done
  facts gateway | while read -r device gateway; do
    answers "$device" "$gateway" && continue
    before='it did before the change'
    has "$here/answered.before" "$device $gateway" || before='nor did it before the change'
    echo "the gateway $gateway does not answer on $device ($before)"
  done
}

# save SECONDS MORE GRACE: what there is before the change, and when the time to confirm it ends: SECONDS after netplan
# has applied it, for which MORE seconds are allowed; and when the timer, GRACE seconds later, would act.
save() {
  addresses >"$here/addresses.before" && routes >"$here/routes.before" && ports >"$here/ports.before" || return
  sizes >"$here/sizes.before" || return
  facts gateway | while read -r device gateway; do
    if exists "$device" && answers "$device" "$gateway"; then printf '%s %s\n' "$device" "$gateway"; fi
  done >"$here/answered.before"
  echo "$1" >"$here/within" && echo $(($(now) + $1 + $2)) >"$here/deadline" &&
    echo $(($(now) + $1 + $2 + $3)) >"$here/fires"
}

# check ROOT: netplan's own word on all files as they will be, in a root of their own.
check() {
  rm -rf -- "$1" && mkdir -p -- "$1/etc/netplan" || return
  set +f
  for file in /lib/netplan/*.yaml /etc/netplan/*.yaml "$netplan_run"/*.yaml; do
    [ ! -e "$file" ] || is hidden "${file##*/}" || cp -- "$file" "$1/etc/netplan/"
  done
  for file in "$here"/staged/*.yaml; do [ ! -e "$file" ] || cp -- "$file" "$1/etc/netplan/" || return; done
  set -f
  # What it only remarks is of no interest, unless it fails.
  netplan generate --root-dir "$1" >"$here/check.log" 2>&1 || { sed "s:$1::g" "$here/check.log" >&2; return 1; }
  rm -rf -- "$1"
}

# stage: from now on netplan sees the new network, and the next boot the old one.
stage() {
  mkdir -p -m 755 -- "$netplan_run" || return
  facts hidden | while read -r file; do
    [ -e "$here/staged/$file" ] && source=$here/staged/$file || source=$here/nothing.yaml
    [ "$source" != "$here/nothing.yaml" ] || printf 'network: {version: 2}\n' >"$source"
    cp -- "$source" "$netplan_run/.labctl-$file" && mv -f -- "$netplan_run/.labctl-$file" "$netplan_run/$file" || exit 1
  done
}

# apply: what cuts the connection, if anything does. Leaves its status in `applied`.
apply() {
  facts remade | while read -r device; do ip link del dev "$device"; done
  netplan apply
  status=$?
  if [ "$status" -eq 0 ]; then
    facts left | while read -r device; do ! exists "$device" || ip link del dev "$device"; done
    restore others
  fi
  read -r latest <"$here/deadline" && read -r within <"$here/within"
  earliest=$(($(now) + within))
  [ "$earliest" -ge "$latest" ] || echo "$earliest" >"$here/deadline"
  echo "$status" >"$here/applied.new" && mv -f -- "$here/applied.new" "$here/applied"
}

# confirm: waits until all is as it must be, or the time ends.
confirm() {
  read -r status <"$here/applied" || return
  [ "$status" -eq 0 ] || { journalctl -q -o cat -n 5 -u labctl-network.service >&2; echo "netplan apply failed ($status)" >&2; return 1; }
  read -r deadline <"$here/deadline" || return
  while :; do
    restore others >/dev/null 2>&1
    faults=$(missing; lost others | sed 's/^/lost in the change, and not labctl'"'s"': /')
    [ -n "$faults" ] || return 0
    [ "$(now)" -lt "$deadline" ] || { printf '%s\n' "$faults" >&2; return 1; }
    sleep 1
  done
}

# decide WHO: the one who makes this folder first decides what becomes of the change.
decide() { mkdir -- "$here/decided" 2>/dev/null && echo "$1" >"$here/decided/by"; }

keep() {
  decide labctl || { echo 'the time to confirm the change was over: the host has put the old network back' >&2; return 1; }
}

put_back() {
  decide host || exit 0
  echo 'labctl: nobody has confirmed the new network, the old one is put back'
  # One that hangs must not work against this.
  systemctl stop labctl-network.service 2>/dev/null
  facts hidden | while read -r file; do rm -f -- "$netplan_run/$file"; done
  facts made | while read -r device; do ! exists "$device" || ip link del dev "$device"; done
  netplan apply || { sleep 2; netplan apply; }
  status=$?
  # networkd works on after netplan has returned.
  sleep 2
  restore all
  echo "labctl: the old network is back ($status)"
  echo "$status" >"$here/put-back.new" && mv -f -- "$here/put-back.new" "$here/put-back"
}

# Whether the timer waits or its put-back runs.
is_armed() {
  systemctl is-active labctl-put-back.timer labctl-put-back.service | grep -Eqx 'active|activating|deactivating'
}

# undo: puts the old network back now, unless that is done, or was decided otherwise, or nothing has begun.
undo() {
  [ ! -e "$here/decided" ] && is_armed || return 0
  systemctl start --no-block labctl-put-back.service
}

# settled: whether nothing more will happen by itself.
settled() { [ -e "$here/put-back" ] || grep -qs labctl "$here/decided/by" || ! is_armed; }

# undone: says what became of the change, and clears up.
undone() {
  if grep -qs labctl "$here/decided/by"; then
    echo 'the new network was confirmed and works until the next boot, but it could not be kept beyond it' >&2
    systemctl stop labctl-put-back.timer 2>/dev/null
    return 1
  fi
  systemctl stop labctl-put-back.timer 2>/dev/null
  status=0
  [ ! -e "$here/put-back" ] || read -r status <"$here/put-back"
  [ "$status" -eq 0 ] || { echo "netplan apply of the old network failed ($status)" >&2; return 1; }
  rm -rf -- "$here"
}

case $1 in
  save | check | stage | apply | confirm | keep | undo | settled | undone) "$@" ;;
  put-back) put_back ;;
  *) echo "no such verb: $1" >&2; exit 64 ;;
esac
