#!/usr/bin/env bash
# A gateway (haproxy) on a free port of 127.0.0.1, in front of a service.
#
#   gateway.sh up DIR HOST:PORT   DIR must not exist, HOST:PORT is the service; writes into DIR: `url`, and for each
#                                 consumer `CONSUMER.key`, its API key, and `CONSUMER.secret`, which signs its tokens
#   gateway.sh down DIR           ends the gateway that `up` started there
#
# haproxy.cfg beside this says what the gateway does.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=../../scripts/common.sh
. "$root/scripts/common.sh"
# Debian puts it where only root looks.
PATH=$PATH:/usr/sbin:/sbin

# Name, group, requests within a minute.
consumers='deployer operators 100000
viewer viewers 1000
hasty viewers 5'

secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

write_consumers() {
  local name group limit
  while read -r name group limit; do
    secret >"$name.key"
    secret >"$name.secret"
    printf '%s %s\n' "$(cat "$name.key")" "$name" >>keys.map
    printf '%s %s\n' "$name" "$(cat "$name.secret")" >>secrets.map
    printf '%s %s\n' "$name" "$group" >>groups.map
    printf '%s %s\n' "$name" "$limit" >>limits.map
  done <<<"$consumers"
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

up() {
  local dir=${1:?usage: gateway.sh up DIR HOST:PORT} backend=${2:?usage: gateway.sh up DIR HOST:PORT} port try tick pid
  has haproxy || fail 'haproxy is missing' 'apt-get install haproxy'
  mkdir -m 0700 "$dir"
  cd "$dir"
  write_consumers
  # A port that was free a moment ago may be taken by now.
  for ((try = 0; try < 5; try++)); do
    port=$(free_port)
    sed -e "s|@DIR@|$PWD|g" -e "s|@PORT@|$port|" -e "s|@BACKEND@|$backend|" "$root/tests/lab/haproxy.cfg" >haproxy.cfg
    haproxy -db -f haproxy.cfg </dev/null >haproxy.log 2>&1 &
    pid=$!
    printf '%s\n' "$pid" >pid
    for ((tick = 0; tick < 200; tick++)); do
      running "$pid" || break
      # Another process on that port is excluded: then this one would have exited.
      if listens "$port"; then
        printf 'http://127.0.0.1:%s\n' "$port" >url
        return
      fi
      sleep 0.05
    done
    stop_process "$pid" TERM 5 || true
  done
  rm -f pid
  fail "haproxy did not start: $(tail -n 5 haproxy.log)"
}

down() {
  local dir=${1:?usage: gateway.sh down DIR} pid
  [ -e "$dir/pid" ] || return 0
  pid=$(cat "$dir/pid")
  # The process was started here only if it works in this directory.
  if [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$(cd -- "$dir" && pwd -P)" ]; then
    stop_process "$pid" TERM 5 || true
  fi
  rm -f "$dir/pid"
}

case ${1:-} in
  up) shift && up "$@" ;;
  down) shift && down "$@" ;;
  *) fail 'usage: gateway.sh up DIR HOST:PORT | gateway.sh down DIR' ;;
esac
