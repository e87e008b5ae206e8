"""Keeps Ansible imported, and forks processes for runs to come.

    fork server --fork--> executes the Rangehand program and becomes a supervisor, gets a run from the service
                              '--fork--> waits, with Ansible imported, for start requests of the supervisor

The process that runs Ansible is thus a child of the supervisor, as with ansible-runner. The fork server itself runs no
playbook, and no process runs two.
"""

import ctypes
import gc
import json
import os
import select
import signal
import socket
import traceback

from rangehand import preload, run

# The environment variable that identifies the processes of a run. Its initial value is as long as a run ID.
MARKER = "RANGEHAND_RUN"
# The maximum size of a message of the service.
REQUEST_BYTES = 1 << 20
# Modules are packed when no run has begun for this many seconds.
QUIET_S = 1.5
# Modules are packed without a pause after this many runs.
MANY = 8
# The length that precedes each packed module.
LENGTH_BYTES = 8


def main():
    os.setsid()  # Signals of the service's terminal must not reach this process.
    run.protect_memory(True)
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    message, (program,), _, _ = socket.recv_fds(control, REQUEST_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
    start = json.loads(message)
    marker = Marker()
    try:
        warmth = preload.Warmth(start)
    except BaseException:  # The service must get every failure: it can start ansible-runner instead.
        control.send(json.dumps({"unfit": traceback.format_exc()}).encode())
        return
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, reap)
    control.send(json.dumps({"ready": warmth.about()}).encode())
    serve(control, program, warmth, marker)


def serve(control, program, warmth, marker):
    """Forks on request, until the service exits."""
    asked, packing, is_packed = 0, None, False
    while True:
        # Modules are packed after the first run has begun (then a second supervisor is requested) and a pause without
        # requests, or without a pause after many runs.
        wait = None
        if asked > 1 and not is_packed and packing is None:
            wait = 0 if asked > MANY else QUIET_S
        readable = select.select([source for source in (control, packing) if source], [], [], wait)[0]
        if not readable:
            packing = Packing(warmth, control)
        elif packing in readable and not packing.take(warmth):
            os.close(packing.fileno())
            packing, is_packed = None, True
            gc.collect()
            gc.freeze()
            # The service uses the last supervisor that it got.
            fork_supervisor(control, program, warmth, marker)
        if control in readable:
            if not control.recv(REQUEST_BYTES):
                return
            asked += 1
            fork_supervisor(control, program, warmth, marker)


class Packing:
    """A process that packs modules, and its output so far."""

    def __init__(self, warmth, control):
        self.come = bytearray()
        self.reader, writer = os.pipe()
        if os.fork() == 0:
            try:
                # The service then notices the end of the fork server at once.
                control.close()
                os.close(self.reader)
                os.nice(10)
                for packed in warmth.modules.pack_usual():
                    view = memoryview(len(packed).to_bytes(LENGTH_BYTES, "big") + packed)
                    while view:
                        view = view[os.write(writer, view) :]
            finally:
                os._exit(0)
        os.close(writer)

    def fileno(self):
        return self.reader

    def take(self, warmth):
        """Takes complete modules, and never waits for the rest of one. Returns whether more can follow."""
        come = os.read(self.reader, REQUEST_BYTES)
        self.come += come
        while len(self.come) >= LENGTH_BYTES:
            end = LENGTH_BYTES + int.from_bytes(self.come[:LENGTH_BYTES], "big")
            if len(self.come) < end:
                break
            warmth.modules.take(bytes(self.come[LENGTH_BYTES:end]))
            del self.come[:end]
        return bool(come)


def fork_supervisor(control, program, warmth, marker):
    """Starts an idle supervisor and its child, and sends the service a socket to the supervisor.

    They are started in advance, because that takes longer than everything else that the start of a run does.
    """
    service, supervisor = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            service.close()
            control.close()
            become_supervisor(supervisor, program, warmth, marker)
        finally:
            # The closed socket shows the service that this supervisor can't get its run.
            os._exit(126)
    supervisor.close()
    socket.send_fds(control, [json.dumps({"forked": pid}).encode()], [service.fileno()])
    service.close()


def become_supervisor(service, program, warmth, marker):
    parent_end, child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        # All other files belong to the process that becomes the supervisor.
        kept = parent_end.detach()
        service.detach()
        child_end.detach()
        os.dup2(kept, 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        run.wait(socket.socket(fileno=3), warmth, marker)
    parent_end.close()
    for standard, end in enumerate((child_end, service)):
        os.dup2(end.fileno(), standard)
    os.execve(program, ["rangehand", "supervise", "--spare"], {})


def reap(_signal, _frame):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


class Marker:
    """The environment variable by which the processes of a run are found.

    /proc shows the memory that the process was started with. Forked processes share it until they write to it, so each run
    overwrites the value in place.
    """

    def __init__(self):
        libc = ctypes.CDLL(None)
        libc.getenv.restype = ctypes.c_void_p
        self.room = len(os.environ[MARKER])
        self.address = libc.getenv(MARKER.encode())
        self.prctl = libc.prctl

    def set(self, value):
        encoded = value.encode()
        if len(encoded) != self.room:
            raise ValueError("the name of the run has another length")
        ctypes.memmove(self.address, encoded, self.room)
        name_of_a_process = 15
        self.prctl(name_of_a_process, b"ansible-playbook", 0, 0, 0)
