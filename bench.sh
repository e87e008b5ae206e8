#!/usr/bin/env bash
# Measures a release build beside its peers, and prints one table: what is asked for, what was found, in which spread.
#
#   ./bench.sh [--quick] [--write] [NAME...]   NAME: a part or a line of the table, such as ping, web, spawned; all without
#   ./bench.sh --render                        writes docs/performance.md and its plots from the last results
#
# Results are kept in target/bench/results.json, where each part replaces its own. Timing never makes it fail. What needs
# root (hosts in network namespaces) is done on local ports without.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"

cd "$root"
case " $* " in
  *' --render '* | *' --help '* | *' -h '*) ;;
  *)
    find_cargo
    ensure_product_venv
    cargo build --release --locked -p rangehand -p bench
    cargo build --release --locked -p range --example plan
    cargo build --release --locked -p saga --example latencies
    cargo build --release --locked -p platform --example namespaces
    ensure_venv "$root/.venv-networkx" "$root/tests/lab/networkx.txt"
    ;;
esac
PYTHONDONTWRITEBYTECODE=1 exec "$(find_python)" -m bench "$@"
