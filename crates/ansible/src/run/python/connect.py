"""Asks the supervisor of the run for a connection to a machine, and passes it to ssh (`ProxyUseFdpass`).

    python connect.py SOCKET MACHINE
"""

import socket
import sys

# The supervisor gives up earlier, and says why.
LIMIT_S = 90
MESSAGE_BYTES = 4096

path, machine = sys.argv[1:]
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as supervisor:
    supervisor.settimeout(LIMIT_S)
    try:
        supervisor.connect(path)
        supervisor.sendall(machine.encode() + b"\n")
        message, descriptors, _, _ = socket.recv_fds(supervisor, MESSAGE_BYTES, 1)
    except OSError as error:
        sys.exit(f"cannot reach the supervisor of the run: {error}")
if not descriptors:
    sys.exit(message.decode(errors="replace") or "the supervisor of the run made no connection")
with socket.socket(fileno=1) as ssh:
    socket.send_fds(ssh, [b"\0"], descriptors)
