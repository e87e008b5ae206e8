#!/usr/bin/env bash
# A throw-away guest for tests: a Debian or Ubuntu of its own with systemd as its first process, reached over SSH.
#
#   guest.sh check                            whether guests can be made here: 0, or 3 and a line that says why not
#   guest.sh root [--suite NAME] DIR [CACHE]  makes the root that `up` would make first; DIR/root is a link to it. A platform
#                                             `local` can use it as a template, too
#   guest.sh up [--suite NAME] DIR [CACHE]    boots one; also exits 3 where that cannot be done
#   guest.sh status DIR                       0 when it is up and accepts the key
#   guest.sh down DIR                         ends what `up` started there, and nothing else
#
#   this namespace                             the guest's namespace
#   10.x.y.1 =============== veth ============ 10.x.y.2 : sshd
#   apt_proxy.py: package mirrors only <------ apt
#
# The guest is a systemd-nspawn container over a root that debootstrap makes once: about a minute, kept in CACHE (default
# target/lab). Mirrors, components and settings are those of this machine's own apt; the suite is this machine's own
# unless another is named. What the guest writes is kept in memory, in a mount namespace that ends with it: nothing is
# left to unmount. It has no route anywhere, so no firewall and no forwarding of this machine is touched.
#
# DIR afterwards:
#   inventory/guest.yml      group `guests` with the host guest-1: user `trainer`, with sudo rights
#   known_hosts, client_key  as named in that inventory
#   console.log, proxy.log   what the guest and its proxy say
#   ready                    written last
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=../../scripts/common.sh
. "$root/scripts/common.sh"
PATH=$PATH:/usr/sbin:/sbin

# Raise it when `make_root` makes something else: a root of another recipe is not used.
recipe=2
# Packages of the root beside what every system has: those of templates of the platform `local`. Servers and cloud images have
# all of them.
included=systemd,systemd-sysv,dbus,openssh-server,python3-apt,sudo,iproute2,iputils-ping,nftables,procps,ca-certificates
user=trainer

cannot() {
  say "guest lab: no guests on this machine: $*"
  exit 3
}

check() {
  local program
  [ "$(id -u)" -eq 0 ] || cannot 'this needs root'
  for program in debootstrap:debootstrap systemd-nspawn:systemd-container ip:iproute2 ssh-keygen:openssh-client; do
    has "${program%%:*}" || cannot "${program%%:*} is missing (apt-get install ${program#*:})"
  done
  has apt-get || cannot 'the mirrors are those of apt, and there is none'
  # An overlay over a tmpfs in a namespace of its own is what the guest will need.
  # shellcheck disable=SC2016
  unshare --mount --net --pid --fork sh -euc \
    'mount -t tmpfs none /mnt && mkdir /mnt/l /mnt/u /mnt/w /mnt/m &&
     mount -t overlay none -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m' 2>/dev/null ||
    cannot 'no namespaces or no overlay file system'
}

own_suite() { (. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-}"); }

# The guest's sources.list on stdout: what apt here reads for this machine's own release, `own`, with `suite` in its place.
sources() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v own="$own" -v suite="$suite" '
      $2 == own || index($2, own "-") == 1 {
        line = "deb " $1 " " suite substr($2, length(own) + 1) " " $3
        if (!(line in seen)) { seen[line] = 1; print line }
      }'
}

# The proxy that apt here uses, if it has one.
own_proxy() {
  local proxy
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  if [ "${proxy:-DIRECT}" = DIRECT ]; then proxy=${http_proxy:-}; fi
  printf '%s\n' "$proxy"
}

# make_root TARGET: in namespaces of its own, so that nothing is left mounted or running when it is interrupted.
make_root() {
  local target=$1 mirror components
  mirror=$(awk -v suite="$suite" '$3 == suite { print $2; exit }' "$dir/sources.list")
  components=$(awk -v suite="$suite" '$3 == suite { print $4 }' "$dir/sources.list" | sort -u | paste -sd,)
  say "guest lab: making a root of $suite, once"
  # shellcheck disable=SC2016
  http_proxy=$(own_proxy) unshare --mount --pid --fork --kill-child sh -euc '
    debootstrap --variant=minbase --include="$1" --components="$2" "$3" "$4" "$5"
    chroot "$4" useradd --create-home --shell /bin/bash "$6"
    printf "%s ALL=(ALL) NOPASSWD: ALL\n" "$6" >"$4/etc/sudoers.d/$6"
    rm -rf "$4"/var/cache/apt/archives/*.deb "$4"/var/lib/apt/lists/* "$4"/etc/ssh/ssh_host_*
    : >"$4/etc/resolv.conf"
  ' sh "$included" "$components" "$suite" "$target" "$mirror" "$user" </dev/null >"$dir/debootstrap.log" 2>&1 &
  # In the background, because bash serves signals only between commands; and `wait` is interrupted by them.
  builder=$!
  wait "$builder" || fail "debootstrap: $(tail -n 3 "$dir/debootstrap.log")" "see $dir/debootstrap.log"
  builder=
}

# Sets `base`, the root in the cache; two that want it at once make it once.
find_root() {
  local stamp
  stamp=$( (printf '%s\n' "$recipe" "$suite" "$included" "$user" && cat "$dir/sources.list") | sha256sum | cut -c1-12)
  base=$cache/guest-$suite-$stamp
  mkdir -p "$cache"
  exec 8>"$cache/lock"
  until flock --timeout 1 8; do :; done
  if [ ! -d "$base" ]; then
    rm -rf "$cache/guest-$suite"-*
    unfinished=$cache/unfinished-$id
    make_root "$unfinished"
    mv -- "$unfinished" "$base"
    unfinished=
  fi
  exec 8>&-
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

make_network() {
  namespace=rh-$id-guest
  ip netns add "$namespace" 2>"$dir/error" || cannot "$(cat "$dir/error")"
  printf '%s\n' "$namespace" >"$dir/namespace"
  choose_subnet
  # 15 characters are the limit of a name.
  near=rhg$id
  {
    ip -n "$namespace" link set lo up &&
      ip -n "$namespace" link add eth0 type veth peer name "$near" netns $$ &&
      ip -n "$namespace" addr add "$subnet.2/24" dev eth0 &&
      ip -n "$namespace" link set eth0 up &&
      ip addr add "$subnet.1/24" dev "$near" &&
      ip link set "$near" up
  } 2>"$dir/error" || cannot "$(cat "$dir/error")"
}

started_at() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # Field 22; the name before it may hold blanks, so counting begins behind its bracket.
  read -ra fields <<<"${stat##*) }"
  printf '%s\n' "${fields[19]}"
}

# record PID: what `down` has to terminate. The start time distinguishes the process from a later one with the same number.
record() { printf '%s %s\n' "$1" "$(started_at "$1")" >>"$dir/processes"; }

start_proxy() {
  local hosts tick
  rm -f "$dir/proxy.port"
  hosts=$(sed -E 's#^deb [a-z]+://([^/:]+).*#\1#' "$dir/sources.list" | sort -u | paste -sd,)
  "$(find_python)" "$root/tests/lab/apt_proxy.py" "$subnet.1" "$subnet.2" "$hosts" "$(own_proxy)" \
    </dev/null >"$dir/proxy.port" 2>"$dir/proxy.log" &
  record $!
  for ((tick = 0; tick < 100; tick++)); do
    [ ! -s "$dir/proxy.port" ] || return 0
    sleep 0.1
  done
  fail "the proxy for the guest did not start: $(tail -n 3 "$dir/proxy.log")"
}

# What is laid over the root: keys, names, and the way to the mirrors.
make_seed() {
  local seed=$dir/seed proxy
  proxy=http://$subnet.1:$(cat "$dir/proxy.port")
  rm -rf "$seed" "$dir/client_key" "$dir/client_key.pub"
  install -d "$seed"/etc/{apt/apt.conf.d,ssh} "$seed/home/$user"
  install -d -m 0700 "$seed/home/$user/.ssh"
  ssh-keygen -q -t ed25519 -N '' -C guest-client -f "$dir/client_key"
  ssh-keygen -q -t ed25519 -N '' -C guest-1 -f "$seed/etc/ssh/ssh_host_ed25519_key"
  install -m 0600 "$dir/client_key.pub" "$seed/home/$user/.ssh/authorized_keys"
  printf 'guest-1\n' >"$seed/etc/hostname"
  printf '127.0.0.1 localhost\n127.0.1.1 guest-1\n' >"$seed/etc/hosts"
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$seed/etc/machine-id"
  cp "$dir/sources.list" "$seed/etc/apt/sources.list"
  {
    printf 'Acquire::http::Proxy "%s";\nAcquire::https::Proxy "%s";\n' "$proxy" "$proxy"
    # A mirror frozen in time, for example.
    apt-config dump | grep -E '^Acquire::Check-' || true
    if grep -q '^deb https' "$dir/sources.list"; then
      install -d "$seed/etc/ssl/certs"
      cp /etc/ssl/certs/ca-certificates.crt "$seed/etc/ssl/certs/mirrors.crt"
      printf 'Acquire::https::CaInfo "/etc/ssl/certs/mirrors.crt";\n'
    fi
  } >"$seed/etc/apt/apt.conf.d/90guest"
}

# Without a systemd that could give it one the guest gets a control group from us: two guests in one would take each
# other's services for their own.
own_cgroup() {
  local place
  : >"$dir/cgroups"
  if [ -d /run/systemd/system ]; then return; fi
  options+=(--keep-unit)
  for place in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [ -e "$place/cgroup.procs" ] || continue
    mkdir "$place/$namespace" 2>"$dir/error" || cannot "$(cat "$dir/error")"
    printf '%s\n' "$place/$namespace" >>"$dir/cgroups"
  done
}

boot() {
  local options=(--quiet --boot --machine="$namespace" --register=no --settings=no --link-journal=no
    --resolv-conf=off --timezone=off --console=read-only --tmpfs=/var/lib/docker
    --network-namespace-path="/run/netns/$namespace" --capability=CAP_NET_ADMIN)
  own_cgroup
  mkdir -p "$dir/guest"
  # `exec` all the way: the process that is recorded is systemd-nspawn itself.
  # shellcheck disable=SC2016
  unshare --mount --propagation private sh -euc '
    dir=$1 base=$2 user=$3
    shift 3
    while read -r cgroup; do echo $$ >"$cgroup/cgroup.procs"; done <"$dir/cgroups"
    mount -t tmpfs -o mode=0755,size=4g guest "$dir/guest"
    cd "$dir/guest"
    mkdir upper work root
    mount -t overlay -o "lowerdir=$base,upperdir=upper,workdir=work" guest root
    owner=$(stat -c %u:%g "root/home/$user")
    cp -a "$dir/seed/." root
    chown -R "$owner" "root/home/$user"
    export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
    exec systemd-nspawn --directory="$dir/guest/root" "$@"
  ' sh "$dir" "$base" "$user" "${options[@]}" </dev/null >"$dir/console.log" 2>&1 &
  guest=$!
  record "$guest"
}

describe() {
  printf '%s %s\n' "$subnet.2" "$(cut -d' ' -f1,2 "$dir/seed/etc/ssh/ssh_host_ed25519_key.pub")" >"$dir/known_hosts"
  printf '%s\n' "$subnet.2" >"$dir/address"
  mkdir -p "$dir/inventory"
  cat >"$dir/inventory/guest.yml" <<INVENTORY
guests:
  hosts:
    guest-1:
      ansible_host: $subnet.2
  vars:
    ansible_user: $user
    ansible_ssh_private_key_file: $dir/client_key
    ansible_python_interpreter: /usr/bin/python3
    ansible_pipelining: true
    ansible_ssh_common_args: >-
      -F /dev/null -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o HostKeyAlgorithms=ssh-ed25519
      -o UserKnownHostsFile=$dir/known_hosts -o GlobalKnownHostsFile=/dev/null
INVENTORY
}

log_in() {
  ssh -F /dev/null -n -o BatchMode=yes -o ConnectTimeout=2 -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes \
    -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile="$dir/known_hosts" -o ControlPath=none \
    -i "$dir/client_key" "$user@$(cat "$dir/address")" "$@" 2>"$dir/error"
}

wait_for_guest() {
  local tick
  for ((tick = 0; tick < 300; tick++)); do
    if log_in true; then return; fi
    running "$guest" || break
    sleep 0.1
  done
  say "guest lab: no way into the guest: $(tail -n 1 "$dir/error")"
  tail -n 15 "$dir/console.log" >&2
  return 1
}

absolute() {
  mkdir -p "$1"
  (cd -- "$1" && pwd -P)
}

# begin COMMAND [--suite NAME] DIR [CACHE]
begin() {
  local command=$1
  shift
  own=$(own_suite) suite='' unfinished='' builder=''
  if [ "${1:-}" = --suite ]; then
    suite=${2:-}
    shift 2
  fi
  suite=${suite:-$own}
  [[ -n ${1:-} && $suite =~ ^[a-z]+$ ]] || fail "usage: guest.sh $command [--suite NAME] DIR [CACHE]"
  check
  umask 022
  dir=$(absolute "$1") cache=$(absolute "${2:-$root/target/lab}")
  # The paths stand unquoted in options of ssh and of mount.
  [[ $dir$cache =~ ^[A-Za-z0-9/._-]+$ ]] || fail "$dir, $cache: only letters, digits and /._- can be used"
  [ ! -e "$dir/processes" ] || fail "a guest is already up in $dir" "$0 down $dir"
  id=$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n')
  rm -f "$dir/ready"
  : >"$dir/processes"
  # Whatever goes wrong from here on, nothing is left running.
  trap give_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  sources >"$dir/sources.list"
  grep -q " $suite " "$dir/sources.list" || cannot "apt here has no mirror for $own"
  find_root
}

make_root_only() {
  begin root "$@"
  ln -sfn -- "$base" "$dir/root"
  trap - EXIT INT TERM HUP
  rm -f "$dir/processes"
}

up() {
  begin up "$@"
  make_network
  start_proxy
  make_seed
  boot
  describe
  wait_for_guest
  trap - EXIT INT TERM HUP
  : >"$dir/ready"
}

give_up() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  if [ -n "$builder" ]; then
    stop_process "$builder" TERM 2 || true
    wait "$builder" 2>/dev/null || true
  fi
  if [ -n "$unfinished" ]; then rm -rf --one-file-system -- "$unfinished"; fi
  down "$dir"
  exit "$code"
}

status() {
  dir=${1:?usage: guest.sh status DIR}
  [ -e "$dir/ready" ] && log_in true && say "guest lab: up at $(cat "$dir/address")" && return
  say 'guest lab: down'
  return 1
}

down() {
  local dir=${1:?usage: guest.sh down DIR} pid started namespace cgroup
  rm -f "$dir/ready"
  if [ -e "$dir/namespace" ]; then
    namespace=$(cat "$dir/namespace")
    # Its first process ends with all others, and systemd-nspawn with it; a clean shutdown of what is thrown away is a
    # waste. Whatever runs in a namespace that only this guest has is this guest's.
    for pid in $(ip netns pids "$namespace" 2>/dev/null); do kill -s KILL "$pid" 2>/dev/null || true; done
  fi
  if [ -e "$dir/processes" ]; then
    while read -r pid started; do
      if [ -n "$started" ] && [ "$(started_at "$pid")" = "$started" ]; then stop_process "$pid" TERM 5 || true; fi
    done <"$dir/processes"
  fi
  if [ -n "${namespace:-}" ]; then ip netns delete "$namespace" 2>/dev/null || true; fi
  if [ -e "$dir/cgroups" ]; then
    while read -r cgroup; do find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true; done <"$dir/cgroups"
  fi
  rm -f "$dir/processes" "$dir/namespace" "$dir/cgroups"
}

case ${1:-} in
  check) check ;;
  root) shift && make_root_only "$@" ;;
  up) shift && up "$@" ;;
  status) shift && status "$@" ;;
  down) shift && down "$@" ;;
  *) fail 'usage: guest.sh check | guest.sh root|up [--suite NAME] DIR [CACHE] | guest.sh status|down DIR' ;;
esac
