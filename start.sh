#!/usr/bin/env bash
# Builds what is missing and starts Rangehand. See usage below.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"

usage() {
  cat <<'USAGE'
usage: ./start.sh [OPTION...]        serve; the options go to `rangehand serve`, for example --port 8101
       ./start.sh COMMAND [WORD...]  another command of `rangehand` with the same settings:
                                     doctor, token, audit, keys, template, range, worker, export
       ./start.sh demo               start a temporary service, run the ping bundle over REST, show the result, stop
       ./start.sh demo range         start a temporary service, create a range on this machine, run a bundle on it, destroy
                                     it, stop
       ./start.sh --help

./start.sh token create --name ci --role operator creates a token for the service that ./start.sh runs.

Settings come from the environment and from .env beside this script (see .env.example); the environment wins.
What is missing is made first: .venv (Ansible, from requirements.txt), the collections of requirements.yml, the binary.
USAGE
}

# Sets `binary`. Cargo decides what to compile and only then prints something.
build() {
  find_cargo
  cd "$root"
  local target
  target=$(cargo metadata --no-deps --format-version 1 --locked |
    "$root/.venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
  binary=$target/release/rangehand
  [ -x "$binary" ] || say 'building rangehand (the first time takes some minutes)'
  cargo build --release --locked --bin rangehand 2>&1 | sed '/^ *Finished /d' >&2 ||
    fail 'cargo could not build rangehand (see above)'
  cd "$OLDPWD"
}

# Installs what requirements.yml lists, once per content of that file. They go beside Ansible into .venv, where it finds
# them without a setting. The index may be out of reach: that is said, and is no reason not to start.
install_collections() {
  local stamp=$root/.venv/collections.stamp list=$root/requirements.yml hash site
  [ -e "$list" ] || return 0
  hash=$(sha256sum <"$list")
  [ "$(cat "$stamp" 2>/dev/null)" != "$hash" ] || return 0
  if ! "$root/.venv/bin/python" -c '
import sys, yaml
sys.exit(not (yaml.safe_load(open(sys.argv[1])) or {}).get("collections"))
' "$list"; then
    printf '%s\n' "$hash" >"$stamp"
    return 0
  fi
  say 'installing the collections of requirements.yml'
  site=$("$root/.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  if ! (cd "$root" && timeout 120 "$root/.venv/bin/ansible-galaxy" collection install --timeout 20 \
    -r "$list" -p "$site" </dev/null >"$root/.venv/collections.log" 2>&1); then
    say "note: collections of requirements.yml not installed (see .venv/collections.log); continuing without them." \
      "To try again: rm .venv/collections.stamp"
  fi
  # Also after a failure: a machine without a way to the index must not wait at every start.
  printf '%s\n' "$hash" >"$stamp"
}

prepare() {
  ensure_product_venv
  install_collections
  build
  export PROJECT_ROOT_DIR="${PROJECT_ROOT_DIR:-$root}"
  export RANGEHAND__ANSIBLE__BIN_DIR="${RANGEHAND__ANSIBLE__BIN_DIR:-$root/.venv/bin}"
}

read_settings() {
  if [ -e "$root/.env" ]; then load_env_file "$root/.env"; fi
}

service='' # pid of the demo's service
scratch='' # its directory
range=''   # the range that the demo has created

stop_demo() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  if [ -n "$range" ]; then
    timeout 60 "$binary" range destroy "$range" --yes >/dev/null 2>&1 || say "warning: the range \`$range\` is left"
  fi
  if [ -n "$service" ]; then
    stop_process "$service" TERM 20 || say "warning: the service did not stop within 20 s and was killed"
    wait "$service" 2>/dev/null || true
  fi
  if [ "$code" -ne 0 ] && [ -s "$scratch/service.log" ]; then
    say '--- last lines of the service log'
    tail -n 30 "$scratch/service.log" >&2
  fi
  if [ -n "$scratch" ]; then rm -rf -- "$scratch"; fi
  exit "$code"
}

# call METHOD PATH [BODY]: prints the command and leaves the reply in reply.json; fails on any status but 2xx.
call() {
  local arguments=(-X "$1") status
  if [ -n "${3:-}" ]; then arguments+=(-H 'content-type: application/json' -d "$3"); fi
  printf '\n$ curl -sS'
  if [ -n "${3:-}" ]; then
    printf " -H 'content-type: application/json' -d '%s'" "$3"
  fi
  printf " '%s'\n" "$url$2"
  status=$(curl -sS --noproxy '*' --max-time 150 "${arguments[@]}" -o "$scratch/reply.json" -w '%{http_code}' "$url$2") ||
    fail 'the service did not answer'
  "$root/.venv/bin/python" -m json.tool --no-ensure-ascii <"$scratch/reply.json" || cat "$scratch/reply.json"
  [[ $status == 2* ]] || fail "the service answered $status"
}

reply_field() {
  "$root/.venv/bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], ""))' \
    "$scratch/reply.json" "$1"
}

# Starts a service with an empty store, and sets `url`. It is stopped at the end of this script.
start_temporary_service() {
  local name tick
  has curl || fail 'curl is missing' 'apt-get install curl'
  # The demo shows what is shipped: no .env, no settings of this shell's owner.
  for name in $(compgen -e); do
    case $name in
      RANGEHAND_* | API_BACKEND_* | VAULT_PASSWORD* | ANSIBLE_* | HOST | PORT | DEBUG | CORS_ORIGIN_REGEX | PROJECT_ROOT_DIR)
        unset "$name"
        ;;
    esac
  done
  prepare
  trap stop_demo EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/rangehand-demo.XXXXXX")
  export RANGEHAND__PATHS__STATE="$scratch/state" RANGEHAND__SERVER__HOST=127.0.0.1 RANGEHAND__SERVER__PORT=0
  # An empty settings file, so that a rangehand.toml beside this script is not read.
  export RANGEHAND_CONFIG="$scratch/rangehand.toml"
  : >"$RANGEHAND_CONFIG"

  printf 'starting the service on an embedded SQLite store in %s\n' "$RANGEHAND__PATHS__STATE"
  mkdir -m 0700 "$RANGEHAND__PATHS__STATE"
  : >"$scratch/service.out"
  "$binary" serve >"$scratch/service.out" 2>"$scratch/service.log" </dev/null &
  service=$!
  for ((tick = 0; tick < 300; tick++)); do
    url=$(sed -n 's#^listening on \(http://127\.0\.0\.1:[0-9]*\)$#\1#p' "$scratch/service.out")
    [ -z "$url" ] || break
    running "$service" || fail 'the service ended before it was ready'
    sleep 0.1
  done
  [ -n "$url" ] || fail 'the service was not ready within 30 s'
  printf 'listening on %s\n' "$url"
}

demo() {
  local url='' id state
  start_temporary_service
  printf '\nrunning the ping bundle on localhost, and waiting for it\n'
  call POST '/v1/jobs?wait=120' '{"bundle":"ping","limit":"localhost"}'
  id=$(reply_field id) state=$(reply_field state)
  printf '\nits structured result\n'
  call GET "/v1/jobs/$id/result"

  [ "$state" = succeeded ] || fail "the job ended \`$state\`, not \`succeeded\`"
  printf '\nthe job succeeded; stopping the service\n'
}

# show WORD...: prints a command of `rangehand` and carries it out.
show() {
  printf '\n$ rangehand %s\n' "$*"
  "$binary" "$@"
}

demo_range() {
  local url='' id state platform=local status
  start_temporary_service
  export RANGEHAND_URL=$url
  status=$(curl -sS --noproxy '*' --max-time 60 -o "$scratch/reply.json" -w '%{http_code}' "$url/v1/platforms/local")
  if [ "$status" != 200 ]; then
    platform=simulated
    printf '\nThis machine cannot have ranges: %s\n' "$(reply_field detail)"
    printf 'Creating the same on the platform `simulated`, which only records what it would create.\n'
  fi
  cat >"$scratch/demo.yaml" <<DOCUMENT
name: demo
platform: $platform
networks:
  dmz: {}
  inside: {}
machines:
  gw: {kind: namespace, role: router, networks: [dmz, inside]}
  web: {kind: namespace, networks: [dmz]}
  db: {kind: namespace, networks: [inside]}
rules:
  - {from: dmz, to: inside, allow: [icmp]}
DOCUMENT
  printf '\n$ cat demo.yaml\n'
  cat "$scratch/demo.yaml"
  cd "$scratch"
  show range plan demo.yaml
  range=demo
  show range apply demo.yaml --yes
  show range machines demo
  printf '\nsending packets between all machines: what the rules allow, and nothing else\n'
  show range verify demo
  if [ "$platform" = local ]; then
    printf '\nrunning the ping bundle on the machines over SSH\n'
    call GET /v1/ranges/demo
    call POST '/v1/jobs?wait=120' "{\"bundle\":\"ping\",\"inventory\":\"range/$(reply_field id)\"}"
    id=$(reply_field id) state=$(reply_field state)
    call GET "/v1/jobs/$id/result"
    [ "$state" = succeeded ] || fail "the job ended \`$state\`, not \`succeeded\`"
  fi
  show range destroy demo --yes
  range=''
  printf '\nnothing is left of the range; stopping the service\n'
}

case ${1:-} in
  -h | --help | help)
    usage
    ;;
  demo)
    case ${*:2} in
      '') demo ;;
      range) demo_range ;;
      *) fail 'usage: ./start.sh demo [range]' ;;
    esac
    ;;
  doctor | token | audit | keys | template | range | worker | export)
    read_settings
    prepare
    exec "$binary" "$@"
    ;;
  *)
    if [ "${1:-}" = serve ]; then shift; fi
    read_settings
    prepare
    exec "$binary" serve "$@"
    ;;
esac
