#!/usr/bin/env bash
# Tortures a release build: the long form of tests/torture, minutes instead of seconds. Prints a table of what was found.
#
#   ./torture.sh [--write] [NAME...]   NAME: a part of a test's name, such as kills, flood, cancel, disk, away, clock, documents
#   ./torture.sh fuzz                  only the properties of what comes from outside, with many cases; all runs them, too
#   ./torture.sh attack                only the known attacks (tests/attack.tsv), each on a running service; prints a table of
#                                      attempt, isolation, user and result, and fails when one does not hold
#
# With --write the rows that were found replace those of the same subject in docs/reliability.md; nothing else is written.
# RANGEHAND_TORTURE_SEED repeats the order of kills of an earlier run, which prints its seed.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"

tear_down() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  if [ -d "$scratch/postgres" ]; then "$root/tests/lab/postgres.sh" down "$scratch/postgres" >/dev/null 2>&1 || true; fi
  rm -rf -- "$scratch"
  exit "$code"
}

# Puts the rows of standard input into the block of figures: in the place of the row of the same subject, or at the end.
write_figures() {
  awk -v document="$root/docs/reliability.md" '
    { split($0, part, " [|] "); found[part[1]] = $0; order[++count] = part[1] }
    END {
      while ((getline line < document) > 0) {
        if (line == "<!-- end of figures -->") {
          for (at = 1; at <= count; at++) if (order[at] in found) print "| " found[order[at]] " |"
        }
        split(substr(line, 3), part, " [|] ")
        if (line ~ /^[|] / && part[1] in found) { print "| " found[part[1]] " |"; delete found[part[1]] } else print line
      }
    }' >"$scratch/document"
  cat "$scratch/document" >"$root/docs/reliability.md"
}

write=no
if [ "${1:-}" = --write ]; then write=yes && shift; fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/rangehand-torture.XXXXXX")
# PostgreSQL's user must be able to pass through; what is private below is closed itself.
chmod 0711 "$scratch"
trap tear_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cd "$root"
find_cargo
if [ -z "${RANGEHAND_TEST_BIN_DIR:-}" ]; then
  ensure_product_venv
  export RANGEHAND_TEST_BIN_DIR=$root/.venv/bin
fi
"$root/tests/lab/postgres.sh" up "$scratch/postgres"
RANGEHAND_TEST_POSTGRES_URL=$(cat "$scratch/postgres/url")
export RANGEHAND_TEST_POSTGRES_URL RANGEHAND_TORTURE=long

# Properties of all that comes from outside. PROPTEST_CASES sets how many cases each has.
fuzz() {
  local cases=${PROPTEST_CASES:-100000} code=0
  say "fuzz: $cases cases of each property, a part of them where each is slow"
  PROPTEST_CASES=$cases cargo test --release --locked -p model --test fuzz || code=$?
  PROPTEST_CASES=$cases cargo test --release --locked -p content --test fuzz || code=$?
  PROPTEST_CASES=$cases cargo test --release --locked -p ansible --test fuzz || code=$?
  PROPTEST_CASES=$cases cargo test --release --locked -p content --lib fuzz || code=$?
  PROPTEST_CASES=$cases cargo test --release --locked -p rangehand --lib fuzz || code=$?
  PROPTEST_CASES=$((cases / 20)) cargo test --release --locked --test api fuzz:: || code=$?
  return "$code"
}

# Tests of one target, by exact name. In the output each begins with `test NAME ... ` and ends with its result.
attack_with() {
  local code=0 package=$1 target=$2
  shift 2
  cargo test --release --locked -p "$package" --test "$target" -- --nocapture --test-threads=1 --exact "$@" 2>&1 |
    tee -a "$scratch/attacks" || code=$?
  return "$code"
}

# `tests/api/x/y.rs::name` is the test `x::y::name` of `api`, and the same for `http`; `crates/P/tests/T.rs::name` is `name` of T in P.
attack() {
  local code=0 target names layouts
  mapfile -t layouts < <(sed -n 's|^.*\tcrates/model/tests/redact_layouts\.rs::||p' tests/attack.tsv)
  : >"$scratch/attacks"
  for target in api http; do
    mapfile -t names < <(sed -n "s|^.*\ttests/$target/\(.*\)$|\1|p" tests/attack.tsv | sed -e 's|/mod\.rs::|::|' -e 's|\.rs::|::|' -e 's|/|::|g')
    attack_with rangehand "$target" "${names[@]}" || code=$?
  done
  attack_with model redact_layouts "${layouts[@]}" || code=$?
  printf '\n| attempt | isolation | user | result |\n| --- | --- | --- | --- |\n'
  awk -F '\t' -v output="$scratch/attacks" -v own="$(id -un)" '
    BEGIN {
      while ((getline line < output) > 0) {
        if (match(line, /^test [A-Za-z0-9_:]+ \.\.\. /)) {
          split(line, word, " "); name = word[2]; sub(/^.*::/, "", name)
          rest = substr(line, RLENGTH + 1)
        } else rest = line
        if (name != "" && rest ~ /NOT TESTED|SKIPPED/) result[name] = "not tested"
        if (name != "" && (rest == "ok" || rest == "FAILED")) {
          if (rest == "FAILED") result[name] = "BROKEN"; else if (!(name in result)) result[name] = "held"
          name = ""
        }
      }
    }
    /^#/ { next }
    {
      name = $4; sub(/^.*::/, "", name)
      printf "| %s | %s | %s | %s |\n", $1, $2, $3 == "own" ? own : $3, name in result ? result[name] : "NOT RUN"
      if (!(name in result) || result[name] == "BROKEN") broken = 1
    }
    END { exit broken }' tests/attack.tsv || code=1
  return "$code"
}

if [ "${1:-}" = attack ]; then
  attack
  exit
fi

if [ "${1:-}" = fuzz ]; then
  fuzz
  exit
fi

# One after the other: figures of runs at the same time say nothing.
code=0
cargo test --release --locked --test torture -- --nocapture --test-threads=1 "$@" 2>&1 | tee "$scratch/output" || code=$?
if [ $# -eq 0 ] || [[ documents == *"$1"* ]]; then
  # Schemathesis for minutes instead of seconds.
  ensure_venv "$root/.venv-schemathesis" "$root/tests/lab/schemathesis.txt"
  export RANGEHAND_TEST_SCHEMATHESIS=$root/.venv-schemathesis/bin/st
  cargo test --release --locked --test api -- --nocapture --test-threads=1 documents::fuzz || code=$?
fi
sed -n 's/^.*figure: //p' "$scratch/output" >"$scratch/figures"
printf '\n| subject | figures | what must be 0 |\n| --- | --- | --- |\n'
sed 's/.*/| & |/' "$scratch/figures"
if [ $# -eq 0 ]; then fuzz || code=$?; fi
if [ "$write" = yes ] && [ "$code" -eq 0 ]; then write_figures <"$scratch/figures"; fi
exit "$code"
