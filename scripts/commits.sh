#!/usr/bin/env bash
# Checks the subjects of commits: `area: what changes`, at most 72 characters, no full stop.
#
#   scripts/commits.sh [RANGE]   a range of git; without one the last 50 commits that are not merges
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

if ! git rev-parse --git-dir >/dev/null 2>&1; then
  echo 'note: not a git repository, so no commit subjects are checked' >&2
  exit 0
fi
if [ $# -gt 0 ]; then which=("$1"); else which=(-n 50); fi

git log --no-merges --format='%h %s' "${which[@]}" | awk '
  {
    subject = substr($0, length($1) + 2); why = ""
    if (subject !~ /^[a-z0-9_.\/, -]+: [^ ]/) why = "does not begin with `area: `"
    else if (length(subject) > 72) why = "has more than 72 characters"
    else if (subject ~ /\.$/) why = "ends with a full stop"
    if (why != "") { printf "commit %s %s: %s\n", $1, why, subject; bad = 1 }
  }
  END { exit bad }' >&2
