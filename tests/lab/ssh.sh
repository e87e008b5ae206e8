#!/usr/bin/env bash
# SSH hosts for tests: real sshd processes, each with its own host key, reached with host-key checking on.
#
#   ssh.sh up N DIR           N hosts in network namespaces of their own (needs root); exits 3 when that cannot be done
#   ssh.sh up --local N DIR   N hosts on 127.0.0.1, one port each, as the calling user
#   ssh.sh down DIR           ends what `up` started there, and nothing else
#
#   this namespace                 "hub"                          "lab-1", "lab-2", ...
#   10.x.y.1 ======= veth ======== bridge ======= veth ========== 10.x.y.11, .12, ... : sshd
#
# The bridge stands in a namespace of its own, so no firewall, forwarding or other bridge of this machine is touched.
#
# DIR afterwards:
#   inventory/lab.yml             group `lab` with hosts lab-1 .. lab-N
#   inventory/lab_wrong_key.yml   the same, but the key known for lab-1 is not its own: it must be unreachable
#   known_hosts, client_key       as named in those inventories
#   hosts.env                     LAB_MODE, LAB_COUNT, LAB_<i>_ADDRESS, LAB_<i>_PORT
#   lab-<i>/log                   what that sshd says
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=../../scripts/common.sh
. "$root/scripts/common.sh"

cannot() {
  say "ssh lab: no network namespaces: $*"
  exit 3
}

make_keys() {
  local i
  mkdir -p "$dir/inventory"
  chmod 0700 "$dir"
  ssh-keygen -q -t ed25519 -N '' -C lab-client -f "$dir/client_key"
  for ((i = 1; i <= count; i++)); do
    mkdir "$dir/lab-$i"
    ssh-keygen -q -t ed25519 -N '' -C "lab-$i" -f "$dir/lab-$i/host_key"
  done
}

# sshd_config ADDRESS PORT HOST: one host's configuration. StrictModes is off because DIR may be below /tmp. SHLVL is set so
# that bash takes itself for a nested shell and does not read the .bashrc of the calling user, which can do anything.
sshd_config() {
  cat >"$dir/$3/sshd_config" <<CONFIG
ListenAddress $1
Port $2
HostKey $dir/$3/host_key
PidFile none
AuthorizedKeysFile $dir/client_key.pub
StrictModes no
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
X11Forwarding no
AllowAgentForwarding no
MaxStartups 100
MaxSessions 100
SetEnv SHLVL=1
Subsystem sftp internal-sftp
LogLevel VERBOSE
CONFIG
}

# As root, sshd wants its privilege separation directory.
prepare_sshd() {
  sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) || fail 'sshd is missing' 'apt-get install openssh-server'
  if [ "$(id -u)" -eq 0 ]; then install -d -m 0755 /run/sshd; fi
}

# record PID HOST: what `down` has to terminate. The start time distinguishes the process from a later one with the same number.
record() { printf '%s %s %s\n' "$1" "$(started_at "$1")" "$2" >>"$dir/processes"; }

started_at() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # Field 22; the name before it may hold blanks, so counting begins behind its bracket.
  read -ra fields <<<"${stat##*) }"
  printf '%s\n' "${fields[19]}"
}

# wait_for_host PID ADDRESS PORT HOST: until sshd answers with its banner.
wait_for_host() {
  local tick
  for ((tick = 0; tick < 100; tick++)); do
    if (exec 3<>"/dev/tcp/$2/$3" && IFS= read -r -t 2 -u 3 banner && [[ $banner == SSH-* ]]) 2>/dev/null; then return; fi
    running "$1" || break
    sleep 0.1
  done
  say "ssh lab: $4 does not answer at $2 port $3:"
  tail -n 5 "$dir/$4/log" >&2
  return 1
}

# log_in I: the way in works, with host-key checking on. Says what sshd thinks of it when it does not.
log_in() {
  ssh -F /dev/null -n -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes \
    -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile="$dir/known_hosts" -o ControlPath=none \
    -i "$dir/client_key" -p "${ports[$1]}" "${addresses[$1]}" true 2>"$dir/error" && return
  say "ssh lab: cannot log in to lab-$1: $(tail -n 1 "$dir/error")"
  tail -n 5 "$dir/lab-$1/log" >&2
  return 1
}

# A /24 that no route of this machine but the default one leads to.
choose_subnet() {
  local try a b
  for ((try = 0; try < 50; try++)); do
    a=$((64 + RANDOM % 192)) b=$((RANDOM % 256))
    if [ -z "$(ip -4 -o route show match "10.$a.$b.1" | grep -v '^default' || true)" ]; then
      subnet=10.$a.$b
      return
    fi
  done
  cannot 'no free subnet in 10.64.0.0/10 and above'
}

# link NAMESPACE ADDRESS NAME NUMBER: a veth pair, `NAME` with the address on one side, a port of the bridge on the other.
link() {
  ip -n "$hub" link add "p$4" type veth peer name "$3" netns "$1"
  ip -n "$hub" link set "p$4" master br0 up
  ip -n "$1" addr add "$2/24" dev "$3"
  ip -n "$1" link set "$3" up
}

up_netns() {
  local i id host
  [ "$(id -u)" -eq 0 ] || cannot 'this needs root'
  has ip || cannot 'ip is missing (apt-get install iproute2)'
  id=$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n')
  hub=rh-$id-hub
  ip netns add "$hub" 2>"$dir/error" || cannot "$(cat "$dir/error")"
  printf '%s\n' "$hub" >>"$dir/namespaces"
  # This side of the hub's link is in the namespace of the caller; 15 characters are the limit of a name.
  near=rh$id
  choose_subnet
  {
    ip -n "$hub" link add br0 type bridge &&
      ip -n "$hub" link set br0 up &&
      ip -n "$hub" link add p0 type veth peer name "$near" netns $$ &&
      ip -n "$hub" link set p0 master br0 up &&
      ip addr add "$subnet.1/24" dev "$near" &&
      ip link set "$near" up
  } 2>"$dir/error" || cannot "$(cat "$dir/error")"

  # Inside, root's entry in shadow is replaced: without PAM, sshd refuses an account whose password is locked with `!`.
  printf 'root:*:19000:0:99999:7:::\n' >"$dir/shadow"
  chmod 0600 "$dir/shadow"
  for ((i = 1; i <= count; i++)); do
    host=lab-$i addresses[i]=$subnet.$((10 + i)) ports[i]=22
    ip netns add "rh-$id-$i"
    printf '%s\n' "rh-$id-$i" >>"$dir/namespaces"
    ip -n "rh-$id-$i" link set lo up
    link "rh-$id-$i" "${addresses[i]}" eth0 "$i"
    sshd_config "${addresses[i]}" 22 "$host"
    # `ip netns exec` has made a mount namespace of its own, so the bind mount is seen by this host only.
    # shellcheck disable=SC2016
    ip netns exec "rh-$id-$i" unshare --uts sh -c \
      'mount --bind "$1" /etc/shadow && hostname "$2" && exec "$3" -D -e -f "$4"' \
      sh "$dir/shadow" "$host" "$sshd" "$dir/$host/sshd_config" </dev/null >"$dir/$host/log" 2>&1 &
    pids[i]=$!
    record "${pids[i]}" "$host"
  done
}

up_local() {
  local i host
  for ((i = 1; i <= count; i++)); do
    host=lab-$i addresses[i]=127.0.0.1 ports[i]=$(free_port)
    sshd_config 127.0.0.1 "${ports[i]}" "$host"
    "$sshd" -D -e -f "$dir/$host/sshd_config" </dev/null >"$dir/$host/log" 2>&1 &
    pids[i]=$!
    record "${pids[i]}" "$host"
  done
}

# known_host I KEY_OF: the line of known_hosts for host I with the key of host KEY_OF.
known_host() {
  local name=${addresses[$1]}
  [ "${ports[$1]}" = 22 ] || name="[$name]:${ports[$1]}"
  printf '%s %s\n' "$name" "$(cut -d' ' -f1,2 "$dir/lab-$2/host_key.pub")"
}

# inventory KNOWN_HOSTS
inventory() {
  local i
  printf 'lab:\n  hosts:\n'
  for ((i = 1; i <= count; i++)); do
    printf '    lab-%d:\n      ansible_host: %s\n      ansible_port: %d\n      ansible_remote_tmp: %s\n' \
      "$i" "${addresses[i]}" "${ports[i]}" "$dir/lab-$i/tmp"
  done
  cat <<VARS
  vars:
    ansible_user: $(id -un)
    ansible_ssh_private_key_file: $dir/client_key
    ansible_python_interpreter: /usr/bin/python3
    ansible_ssh_common_args: >-
      -F /dev/null -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o HostKeyAlgorithms=ssh-ed25519
      -o UserKnownHostsFile=$1 -o GlobalKnownHostsFile=/dev/null
VARS
}

describe() {
  local i
  for ((i = 1; i <= count; i++)); do known_host "$i" "$i"; done >"$dir/known_hosts"
  { known_host 1 "$count" && tail -n +2 "$dir/known_hosts"; } >"$dir/known_hosts_wrong"
  inventory "$dir/known_hosts" >"$dir/inventory/lab.yml"
  inventory "$dir/known_hosts_wrong" >"$dir/inventory/lab_wrong_key.yml"
  {
    printf 'LAB_MODE=%s\nLAB_COUNT=%d\n' "$mode" "$count"
    for ((i = 1; i <= count; i++)); do
      printf 'LAB_%d_ADDRESS=%s\nLAB_%d_PORT=%d\n' "$i" "${addresses[i]}" "$i" "${ports[i]}"
    done
  } >"$dir/hosts.env"
}

up() {
  local i
  mode=netns
  if [ "${1:-}" = --local ]; then
    mode=local
    shift
  fi
  count=${1:-} dir=${2:-}
  [[ $count =~ ^[1-9][0-9]?$ && -n $dir ]] || fail 'usage: ssh.sh up [--local] N DIR (N from 1 to 99)'
  [ "$count" -ge 2 ] || say 'ssh lab: one host only, so lab_wrong_key.yml holds its right key'
  [ ! -e "$dir/processes" ] || fail "a lab is already up in $dir" "$0 down $dir"
  mkdir -p "$dir"
  dir=$(cd -- "$dir" && pwd -P)
  # The path stands unquoted in options of ssh.
  [[ $dir =~ ^[A-Za-z0-9/._-]+$ ]] || fail "$dir: only letters, digits and /._- can be used"
  rm -rf "$dir"/lab-* "$dir"/client_key* "$dir"/inventory
  : >"$dir/processes"
  : >"$dir/namespaces"

  declare -ga addresses ports pids
  # Whatever goes wrong from here on, nothing is left running.
  trap 'down "$dir"' EXIT
  trap 'exit 130' INT TERM HUP
  make_keys
  prepare_sshd
  "up_$mode"
  describe
  for ((i = 1; i <= count; i++)); do
    wait_for_host "${pids[i]}" "${addresses[i]}" "${ports[i]}" "lab-$i"
    log_in "$i"
  done
  trap - EXIT INT TERM HUP
}

down() {
  local dir=${1:?usage: ssh.sh down DIR} pid started host namespace
  if [ -e "$dir/processes" ]; then
    while read -r pid started host; do
      if [ -n "$started" ] && [ "$(started_at "$pid")" = "$started" ]; then stop_process "$pid" TERM 5 || true; fi
    done <"$dir/processes"
  fi
  if [ -e "$dir/namespaces" ]; then
    while read -r namespace; do
      # Sessions outlive their sshd. Whatever runs in a namespace that only this lab has is this lab's.
      for pid in $(ip netns pids "$namespace" 2>/dev/null); do kill -s KILL "$pid" 2>/dev/null || true; done
      ip netns delete "$namespace" 2>/dev/null || true
    done <"$dir/namespaces"
  fi
  rm -f "$dir/processes" "$dir/namespaces"
}

case ${1:-} in
  up) shift && up "$@" ;;
  down) shift && down "$@" ;;
  *) fail 'usage: ssh.sh up [--local] N DIR | ssh.sh down DIR' ;;
esac
