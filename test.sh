#!/usr/bin/env bash
# Installs and starts whatever the tests need, runs them all, and ends what it started.
#
#   ./test.sh [ARGUMENT...]           the arguments go to the test runner, for example a part of a test's name
#   ./test.sh --quick [ARGUMENT...]   only tests that need nothing of the following: for the edit loop, under a minute
#
# The tests find their surroundings in:
#   RANGEHAND_TEST_BIN_DIR       the venv's bin directory: ansible-playbook, ansible-runner, python
#   RANGEHAND_TEST_POSTGRES_URL  a PostgreSQL server where databases may be made
#   RANGEHAND_TEST_SSH_LAB       what tests/lab/ssh.sh made: three hosts over SSH
#   RANGEHAND_TEST_BROWSER       Chromium, which tests attack the service from
#   RANGEHAND_TEST_SANDBOX       set: a sandbox can be made here, and tests that cannot make one fail
#   RANGEHAND_TEST_ISOLATION     for you to set: `sandbox` runs every job of every test in one
#   RANGEHAND_TEST_EXECUTOR      for you to set: `runner` or `warm` runs every job of every test so
#   RANGEHAND_TEST_GATEWAYS      a directory for the gateways that tests start
#   RANGEHAND_TEST_GUESTS        a directory where tests/lab/guest.sh may boot guests; `none` where it cannot
#   RANGEHAND_TEST_TEMPLATE      the root of these guests, from which ranges make guests, too; `none` where there can be none
#   RANGEHAND_TEST_FAKEPVE       a Python that can run tests/lab/proxmox.py, a simulated Proxmox VE
#   RANGEHAND_TEST_SCHEMATHESIS  Schemathesis, which makes requests from openapi.json
#   RANGEHAND_TEST_NETWORKX      a Python that has networkx, which checks topologies and orders of plans
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"

# Debian's packages, as root or by sudo without a password; otherwise names them.
install_packages() {
  local missing=() as_root=()
  has curl || missing+=(curl)
  has openssl || missing+=(openssl)
  PATH=$PATH:/usr/sbin:/sbin has sshd || missing+=(openssh-server)
  has ssh || missing+=(openssh-client)
  has openssl || missing+=(openssl)
  has bwrap || missing+=(bubblewrap)
  has chromium || missing+=(chromium)
  PATH=$PATH:/usr/sbin:/sbin has ip || missing+=(iproute2)
  PATH=$PATH:/usr/sbin:/sbin has nft || missing+=(nftables)
  has ping || missing+=(iputils-ping)
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has initdb || missing+=(postgresql)
  PATH=$PATH:/usr/sbin:/sbin has haproxy || missing+=(haproxy)
  python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3 python3-venv)
  # Guests are for root only.
  if [ "$(id -u)" -eq 0 ]; then
    PATH=$PATH:/usr/sbin:/sbin has debootstrap || missing+=(debootstrap)
    has systemd-nspawn || missing+=(systemd-container)
  fi
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || fail "the tests need packages: ${missing[*]}" "apt-get install ${missing[*]}"
    as_root=(sudo -n)
  fi
  has apt-get || fail "the tests need, by their names in Debian: ${missing[*]}"
  say "installing ${missing[*]}"
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  { "${as_root[@]}" apt-get update -q && "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"; } \
    </dev/null >"$scratch/apt.log" 2>&1 || fail "apt-get could not install ${missing[*]}: $(tail -n 5 "$scratch/apt.log")"
}

# Sandboxes need namespaces, which a container may refuse.
try_sandbox() {
  if bwrap --ro-bind / / --unshare-pid --proc /proc true 2>"$scratch/bwrap.log"; then
    export RANGEHAND_TEST_SANDBOX=must
  else
    say "WARNING: NOT TESTED: runs in a sandbox: $(cat "$scratch/bwrap.log")"
  fi
}

# Three hosts in network namespaces; on 127.0.0.1 where those cannot be made.
start_ssh_lab() {
  local code=0
  "$root/tests/lab/ssh.sh" up 3 "$scratch/lab" || code=$?
  if [ "$code" -eq 3 ]; then
    say 'ssh lab: using 127.0.0.1 and three ports instead'
    code=0
    "$root/tests/lab/ssh.sh" up --local 3 "$scratch/lab" || code=$?
  fi
  [ "$code" -eq 0 ] || fail 'the SSH hosts for the tests did not start (see above)'
  export RANGEHAND_TEST_SSH_LAB=$scratch/lab
}

# Creating the root of the guests takes a minute: it is created while cargo builds.
prepare_guests() {
  local code=0
  "$root/tests/lab/guest.sh" check || code=$?
  if [ "$code" -eq 3 ]; then
    say 'WARNING: NOT TESTED: guests of ranges, and what the bundles core/linux/ubuntu/... do to a host (see above)'
    export RANGEHAND_TEST_GUESTS=none RANGEHAND_TEST_TEMPLATE=none
    return
  fi
  [ "$code" -eq 0 ] || fail 'the guests for the tests cannot be made (see above)'
  mkdir "$scratch/guests"
  export RANGEHAND_TEST_GUESTS=$scratch/guests
  "$root/tests/lab/guest.sh" root "$scratch/guest-root" </dev/null >"$scratch/guest-root.log" 2>&1 &
  guest_root=$!
}

# Guests of tests boot from the root, and ranges use it as a template.
end_guest_root() {
  [ -n "$guest_root" ] || return 0
  wait "$guest_root" || fail "the root of the guests could not be made: $(cat "$scratch/guest-root.log")"
  guest_root=
  RANGEHAND_TEST_TEMPLATE=$(readlink -f "$scratch/guest-root/root")
  export RANGEHAND_TEST_TEMPLATE
}

end_guests() {
  local guest
  if [ -n "$guest_root" ]; then
    # Interrupted, it ends what it started.
    kill -s TERM "$guest_root" 2>/dev/null || true
    wait "$guest_root" 2>/dev/null || true
  fi
  # A test ends its guest itself unless it was killed.
  for guest in "$scratch"/guests/*/; do
    [ ! -d "$guest" ] || "$root/tests/lab/guest.sh" down "$guest" >/dev/null 2>&1 || true
  done
}

start_postgres() {
  "$root/tests/lab/postgres.sh" up "$scratch/postgres"
  RANGEHAND_TEST_POSTGRES_URL=$(cat "$scratch/postgres/url")
  export RANGEHAND_TEST_POSTGRES_URL
}

# openapi.json: a validator from PyPI always, Redocly's linter where npm is. Together some seconds.
lint_documents() {
  local redocly=$root/.venv-lint/npm/node_modules/.bin/redocly
  ensure_venv "$root/.venv-lint" "$root/tests/lab/lint.txt"
  "$root/.venv-lint/bin/openapi-spec-validator" openapi.json >"$scratch/lint.log" 2>&1 ||
    fail "openapi.json is not valid: $(cat "$scratch/lint.log")"
  if ! has npm; then
    say 'note: no npm, so openapi.json is not linted by Redocly'
    return 0
  fi
  if [ ! -x "$redocly" ] && ! npm install --prefix "$root/.venv-lint/npm" --no-audit --no-fund --loglevel=error \
    "@redocly/cli@$redocly_version" >"$scratch/lint.log" 2>&1; then
    fail "npm could not install @redocly/cli: $(tail -n 5 "$scratch/lint.log")"
  fi
  # The packages with which a test builds the web page again.
  if [ ! -d web/app/node_modules ] && ! npm ci --prefix web/app --loglevel=error >"$scratch/lint.log" 2>&1; then
    say "note: the packages of web/app cannot be installed, so the web page is not built again: $(tail -n 5 "$scratch/lint.log")"
    rm -rf web/app/node_modules
  fi
  REDOCLY_TELEMETRY=off "$redocly" lint >"$scratch/lint.log" 2>&1 || fail "redocly: $(cat "$scratch/lint.log")"
}

# Prints nothing: the last lines of the output are the test runner's summary.
tear_down() {
  local code=$? lab
  trap - EXIT
  trap '' INT TERM HUP
  if [ -n "$build" ]; then
    kill -s TERM "$build" 2>/dev/null || true
    wait "$build" 2>/dev/null || true
  fi
  end_guests
  "$root/tests/lab/ssh.sh" down "$scratch/lab" >/dev/null 2>&1 || true
  "$root/tests/lab/postgres.sh" down "$scratch/postgres" >/dev/null 2>&1 || true
  # Those of tests that were killed; the others have been removed.
  for lab in "$scratch"/gateways/*/lab; do "$root/tests/lab/gateway.sh" down "$lab" >/dev/null 2>&1 || true; done
  rm -rf -- "$scratch"
  exit "$code"
}

# Tests are built while their surroundings are made.
begin_build() {
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-run </dev/null >"$scratch/build.log" 2>&1 &
  else
    cargo test --workspace --locked --no-run --lib --bins --tests </dev/null >"$scratch/build.log" 2>&1 &
  fi
  build=$!
}

end_build() {
  wait "$build" || fail "the tests could not be built: $(cat "$scratch/build.log")"
  build=
}

# Is there an example in the documentation that is code? The line that ends a block of text looks like one that begins it.
has_examples() {
  find "$root/src" "$root/crates" -name '*.rs' -exec awk '
    FNR == 1 { within = 0 }
    /^[ \t]*\/\/[\/!] ```/ {
      if (!within && $0 ~ /```(rust|no_run|should_panic|compile_fail)?[ \t]*$/) { print FILENAME; exit }
      within = !within
    }' {} + | grep -q .
}

run_tests() {
  local code=0
  # Examples in the documentation first, so that the summary of all other tests comes last. Only when the whole is asked
  # for, and only where there are any.
  if [ $# -eq 0 ] && has_examples; then cargo test --doc --workspace --locked || code=$?; fi
  # Many tests wait for clocks and processes: one more than there are cores keeps the cores busy.
  export NEXTEST_TEST_THREADS=${NEXTEST_TEST_THREADS:-$(($(nproc) + 1))}
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast "$@" || code=$?
  else
    cargo test --workspace --locked --no-fail-fast --lib --bins --tests -- "$@" || code=$?
  fi
  return "$code"
}

# The binaries of tests that the profile `quick` does not omit, one a line.
quick_binaries() {
  local file name
  for file in tests/*.rs tests/*/main.rs crates/*/tests/*.rs crates/*/tests/*/main.rs; do
    name=${file%/main.rs}
    name=${name##*/}
    name=${name%.rs}
    grep -q "binary_id([a-z]*::$name)" .config/nextest.toml || printf '%s\n' "$name"
  done | sort -u
}

# The tests of the profile `quick`, without what test.sh provides. Binaries that it omits are not even built.
run_quick() {
  local variable name binaries=()
  cd "$root"
  find_cargo
  cargo nextest --version >/dev/null 2>&1 || fail '--quick needs cargo-nextest' 'cargo install --locked cargo-nextest'
  for variable in "${!RANGEHAND_TEST_@}"; do unset "$variable"; done
  for name in $(quick_binaries); do binaries+=(--test "$name"); done
  exec cargo nextest run --workspace --locked --profile quick --lib --bins "${binaries[@]}" "$@"
}

if [ "${1:-}" = --quick ]; then
  shift
  run_quick "$@"
fi

redocly_version=2.77.0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rangehand-test.XXXXXX")
# PostgreSQL's user must be able to pass through; what is private below is closed itself.
chmod 0711 "$scratch"
guest_root=
build=
trap tear_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cd "$root"
install_packages
find_cargo
# Includes packages for other systems: the check of licenses reads everything that is locked, offline.
cargo fetch --locked --quiet
begin_build
prepare_guests
ensure_product_venv
export RANGEHAND_TEST_BIN_DIR=$root/.venv/bin
RANGEHAND_TEST_FAKEPVE=$("$root/tests/lab/fakepve.sh" python)
export RANGEHAND_TEST_FAKEPVE
mkdir "$scratch/gateways"
export RANGEHAND_TEST_GATEWAYS=$scratch/gateways
if [ $# -eq 0 ]; then lint_documents; fi
ensure_venv "$root/.venv-schemathesis" "$root/tests/lab/schemathesis.txt"
export RANGEHAND_TEST_SCHEMATHESIS=$root/.venv-schemathesis/bin/st
ensure_venv "$root/.venv-networkx" "$root/tests/lab/networkx.txt"
export RANGEHAND_TEST_NETWORKX=$root/.venv-networkx/bin/python
start_postgres
start_ssh_lab
RANGEHAND_TEST_BROWSER=$(command -v chromium)
export RANGEHAND_TEST_BROWSER
try_sandbox
end_build
end_guest_root
run_tests "$@"
