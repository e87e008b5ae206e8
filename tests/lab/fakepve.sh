#!/usr/bin/env bash
# A simulated Proxmox VE API for trying things by hand; tests start their own with the Python that `python` prints.
#
#   fakepve.sh python      makes the venv `.venv-fakepve` when it is missing, and prints its Python
#   fakepve.sh up DIR      DIR must not exist; starts tests/lab/proxmox.py and writes what it says of itself, with the
#                          token, into DIR/place.json, and an inventory into DIR/inventory.yml
#   fakepve.sh down DIR    ends the simulator that `up` started there
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=../../scripts/common.sh
. "$root/scripts/common.sh"

venv_python() {
  ensure_venv "$root/.venv-fakepve" "$root/tests/lab/fakepve.txt"
  printf '%s\n' "$root/.venv-fakepve/bin/python"
}

up() {
  local dir=${1:?usage: fakepve.sh up DIR} python pid tick
  python=$(venv_python)
  mkdir -m 0700 "$dir"
  # It ends with its standard input, so it is given one that stays open: a pipe that it writes to itself.
  mkfifo "$dir/input"
  "$python" "$root/tests/lab/proxmox.py" <>"$dir/input" >"$dir/place.json" 2>"$dir/log" &
  pid=$!
  printf '%s\n' "$pid" >"$dir/pid"
  for ((tick = 0; tick < 300; tick++)); do
    running "$pid" || fail "the simulator did not start: $(tail -n 3 "$dir/log")"
    [ ! -s "$dir/place.json" ] || break
    sleep 0.1
  done
  [ -s "$dir/place.json" ] || fail 'the simulator did not start in time'
  "$python" - "$dir" <<'PYTHON'
import json, sys
place = json.load(open(sys.argv[1] + "/place.json"))
host = {"proxmox_node": "pve1", "ansible_connection": "local", "proxmox_api_ca_path": place["certificate"]}
host.update({"proxmox_api_" + name: place[name] for name in ("host", "user", "token_id", "token_secret")})
json.dump({"all": {"children": {"proxmox": {"hosts": {"pve1": host}}}}}, open(sys.argv[1] + "/inventory.yml", "w"), indent=1)
PYTHON
}

down() {
  local dir=${1:?usage: fakepve.sh down DIR} pid
  [ -e "$dir/pid" ] || return 0
  pid=$(cat "$dir/pid")
  # The process was started here only if it still reads from this directory.
  if [ "$(readlink "/proc/$pid/fd/0" 2>/dev/null)" = "$(cd -- "$dir" && pwd -P)/input" ]; then
    stop_process "$pid" TERM 5 || true
  fi
  rm -f "$dir/pid"
}

case ${1:-} in
  python) venv_python ;;
  up) shift && up "$@" ;;
  down) shift && down "$@" ;;
  *) fail 'usage: fakepve.sh python | fakepve.sh up DIR | fakepve.sh down DIR' ;;
esac
