#!/usr/bin/env bash
# A throw-away PostgreSQL for tests on a free port of 127.0.0.1.
#
#   postgres.sh up DIR     DIR must not exist; writes its URL, with a generated password, into DIR/url
#   postgres.sh down DIR   ends the server that `up` started there
#
# PostgreSQL refuses to run as root: then it runs as its package's user.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=../../scripts/common.sh
. "$root/scripts/common.sh"

# Prints the directory of the newest initdb: Debian does not put it on the PATH.
find_binaries() {
  local initdb
  initdb=$({ printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -rV && command -v initdb; } |
    while read -r initdb; do if [ -x "$initdb" ]; then printf '%s\n' "$initdb" && break; fi; done)
  [ -n "$initdb" ] || fail 'PostgreSQL is missing' 'apt-get install postgresql'
  dirname "$initdb"
}

up() {
  local dir=${1:?usage: postgres.sh up DIR} binaries port try tick pid as_owner=() owner=postgres
  binaries=$(find_binaries)
  mkdir -m 0700 "$dir"
  if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || owner=nobody
    as_owner=(setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups)
    chown "$owner:" "$dir"
  fi
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/password"
  if [ ${#as_owner[@]} -gt 0 ]; then chown "$owner:" "$dir/password"; fi
  # Inside DIR from here on: the caller's directory may be closed to the owner.
  cd "$dir"
  "${as_owner[@]}" "$binaries/initdb" -D data -U rangehand --auth=scram-sha-256 --pwfile=password \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >initdb.log 2>&1 ||
    fail "initdb: $(tail -n 3 initdb.log)"
  # A port that was free a moment ago may be taken by now.
  for ((try = 0; try < 5; try++)); do
    port=$(free_port)
    : >server.log
    # No durability: nothing here is kept. 200 connections: every test has its own database and pool.
    "${as_owner[@]}" "$binaries/postgres" -D data -c listen_addresses=127.0.0.1 -c port="$port" \
      -c unix_socket_directories= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
      -c max_connections=200 </dev/null >server.log 2>&1 &
    pid=$!
    printf '%s\n' "$pid" >pid
    for ((tick = 0; tick < 300; tick++)); do
      running "$pid" || break
      if grep -q 'database system is ready to accept connections' server.log; then
        printf 'postgres://rangehand:%s@127.0.0.1:%s/postgres\n' "$(cat password)" "$port" >url
        return
      fi
      sleep 0.1
    done
    stop_process "$pid" QUIT 5 || true
  done
  rm -f pid
  fail "PostgreSQL did not start: $(tail -n 3 server.log)"
}

down() {
  local dir=${1:?usage: postgres.sh down DIR} pid
  [ -e "$dir/pid" ] || return 0
  pid=$(cat "$dir/pid")
  # The process was started here only if it is a server of this directory. SIGQUIT ends it at once, despite open connections.
  if [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$(cd -- "$dir" && pwd -P)/data" ]; then
    stop_process "$pid" QUIT 10 || true
  fi
  rm -f "$dir/pid"
}

case ${1:-} in
  up) shift && up "$@" ;;
  down) shift && down "$@" ;;
  *) fail 'usage: postgres.sh up DIR | postgres.sh down DIR' ;;
esac
