"""Starts `ansible-playbook` for ansible-runner, in the surroundings of a run.

    python start.py PATH/ansible-playbook PLAYBOOK OPTIONS

ansible-runner starts it with a terminal, and with an environment that children of Ansible must not inherit.
"""

import json
import os
import sys

import surroundings

INHERITED = "RANGEHAND_INHERITED"

surroundings.leave_terminal()
script, playbook, *options = sys.argv[1:]
# As ansible-runner orders them.
sys.argv = [script, *options, playbook]
try:
    with open("/proc/self/comm", "w", encoding="ascii") as name:
        name.write(os.path.basename(script)[:15])
except OSError:
    pass
inherited = json.loads(os.environ.pop(INHERITED, "{}"))
with open(script, "rb") as file:
    text = file.read()
try:
    program = compile(text, script, "exec")
except (SyntaxError, ValueError):
    # Not written in Python.
    os.execv(script, sys.argv)
sys.path[0] = os.path.dirname(script)
try:
    # Reads the settings.
    from ansible import constants
except Exception:
    pass  # The program reports it.
else:
    surroundings.keep_from_children(inherited)
exec(program, {"__name__": "__main__", "__file__": script, "__builtins__": __builtins__})
