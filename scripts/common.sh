# What start.sh, test.sh and the scripts under tests/lab share. Sourced, never run; needs bash.
# The caller has set `root`, the repository's directory.
# shellcheck shell=bash
: "${root:?}"

say() { printf '%s\n' "$*" >&2; }

# fail MESSAGE [NEXT STEP]
fail() {
  say "error: $1"
  [ -z "${2:-}" ] || say "hint: $2"
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Reads KEY=VALUE lines of the file $1 into the environment. Data, not shell: nothing in it is expanded or run. A variable
# that is already set wins. Values may be quoted; ` # ...` after an unquoted value is a comment.
load_env_file() {
  local _line _number=0 _name _value
  local _pattern='^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.*)$'
  local _single="^'([^']*)'[[:space:]]*(#.*)?\$" _double='^"([^"]*)"[[:space:]]*(#.*)?$'
  while IFS= read -r _line || [ -n "$_line" ]; do
    _number=$((_number + 1))
    _line=${_line%$'\r'}
    [[ $_line =~ ^[[:space:]]*(#.*)?$ ]] && continue
    # The line itself may hold a secret: only its number is shown.
    [[ $_line =~ $_pattern ]] || fail "$1, line $_number: not KEY=VALUE"
    _name=${BASH_REMATCH[2]} _value=${BASH_REMATCH[3]}
    if [[ $_value =~ $_single || $_value =~ $_double ]]; then
      _value=${BASH_REMATCH[1]}
    elif [[ $_value == [\'\"]* ]]; then
      fail "$1, line $_number: the quote of \`$_name\` is not closed, or something follows it"
    else
      [[ $_value == '#'* ]] && _value=''
      _value=${_value%%[[:space:]]#*}
      _value=${_value%"${_value##*[![:space:]]}"}
    fi
    [ -n "${!_name+set}" ] || export "$_name=$_value"
  done <"$1"
}

# Prints the first Python that is new enough; PYTHON names one to use.
find_python() {
  local candidate seen=''
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
    has "$candidate" || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
    seen=${seen:-$("$candidate" --version 2>&1)}
  done
  [ -z "$seen" ] || fail "$seen is too old: Ansible needs Python 3.11 or newer" 'set PYTHON=/path/to/python3.11'
  fail 'python3 is missing' 'apt-get install python3 python3-venv'
}

# ensure_venv DIRECTORY REQUIREMENTS [PIP OPTION...]: makes the venv when it is missing, or was made from other
# requirements, by another Python, or in another place (a venv cannot be moved). Safe when two start at once.
ensure_venv() {
  local venv=$1 requirements=$2 python wanted
  shift 2
  python=$(find_python)
  wanted=$({ cat "$requirements" && "$python" -VV && printf '%s\n' "$venv"; } | sha256sum | cut -d' ' -f1)
  [ "$(cat "$venv/rangehand.stamp" 2>/dev/null)" != "$wanted" ] || return 0
  "$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$python has no venv module" 'apt-get install python3-venv'
  (
    flock 9
    # Another start may have made it while this one waited.
    [ "$(cat "$venv/rangehand.stamp" 2>/dev/null)" != "$wanted" ] || exit 0
    say "making $(basename "$venv") from $(basename "$requirements")"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" -r "$requirements" ||
      fail 'pip could not install the Python packages (see above)' 'check the network and pip config, then run this again'
    # Written last: a venv without it is created again.
    printf '%s\n' "$wanted" >"$venv/rangehand.stamp"
  ) 9>"$venv-lock"
}

ensure_product_venv() { ensure_venv "$root/.venv" "$root/requirements.txt" --require-hashes; }

# Makes cargo reachable, or says how to get it.
find_cargo() {
  if ! has cargo && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  fi
  has cargo || fail 'cargo is missing' 'install Rust 1.95 or newer with rustup, then open a new shell'
  has cc || fail 'no C compiler: Rust needs one to link' 'apt-get install build-essential'
}

# A TCP port of 127.0.0.1 that is free now.
free_port() {
  "$(find_python)" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# stop_process PID SIGNAL SECONDS: sends the signal, waits, and kills what is still there.
stop_process() {
  local tick
  kill -s "$2" "$1" 2>/dev/null || return 0
  for ((tick = 0; tick < $3 * 10; tick++)); do
    running "$1" || return 0
    sleep 0.1
  done
  kill -s KILL "$1" 2>/dev/null || true
  return 1
}

# A zombie still takes signals, so `kill -0` alone is not enough.
running() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  [ "${stat%% *}" != Z ]
}
