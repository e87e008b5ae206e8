"""Keeps Ansible imported, and forks processes for runs to come.

    host --fork--> becomes a supervisor (our own program again), is given a run by the service
                       '--fork--> waits, with Ansible imported, to be told by it what to run

So what runs Ansible is a child of the supervisor, as it is when the supervisor starts ansible-runner. Nothing is run in
the host itself, and no process runs two playbooks.
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

# The variable by which every process of a run is known, and a value that makes room for that of a run.
MARKER = "RANGEHAND_RUN"
# How large what the service says may be.
REQUEST_BYTES = 1 << 20
# How long no run must have begun before modules are packed, in seconds.
QUIET_S = 1.5
# After how many runs modules are packed even so.
MANY = 8
# Before each module that comes from where they are packed.
LENGTH_BYTES = 8


def main():
    os.setsid()  # What a terminal sends to the service is not meant for us.
    run.protect_memory(True)
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    message, (program,), _, _ = socket.recv_fds(control, REQUEST_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
    told = json.loads(message)
    marker = Marker()
    try:
        warmth = preload.Warmth(told)
    except BaseException:  # Whatever it is, the service must hear of it: it has another way.
        control.send(json.dumps({"unfit": traceback.format_exc()}).encode())
        return
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, reap)
    control.send(json.dumps({"ready": warmth.about()}).encode())
    serve(control, program, warmth, marker)


def serve(control, program, warmth, marker):
    """Forks when it is asked to, until the service is gone."""
    asked, packing, is_packed = 0, None, False
    while True:
        # Modules are packed when a run has begun at all, which is when the second is asked for, and then nothing for a while;
        # without a pause when there have been many.
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
            # The service takes the last one that it was given.
            fork_supervisor(control, program, warmth, marker)
        if control in readable:
            if not control.recv(REQUEST_BYTES):
                return
            asked += 1
            fork_supervisor(control, program, warmth, marker)


class Packing:
    """A process that packs modules, and what has come from it so far."""

    def __init__(self, warmth, control):
        self.come = bytearray()
        self.reader, writer = os.pipe()
        if os.fork() == 0:
            try:
                # The service sees by it that the host is gone, at once.
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
        """Takes what has come, never waiting for more of a module; says whether there may be more."""
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
    """Begins two processes that wait, and gives the service a way to them: a supervisor for its run, and its child to be
    told by it what to run.

    They are begun before a run asks for them, because that takes longer than all else that its start does.
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
            # The service sees that nobody is there any more whom its run could be given to.
            os._exit(126)
    supervisor.close()
    socket.send_fds(control, [json.dumps({"forked": pid}).encode()], [service.fileno()])
    service.close()


def become_supervisor(service, program, warmth, marker):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        # Everything else belongs to the one that becomes the supervisor.
        kept = ours.detach()
        service.detach()
        theirs.detach()
        os.dup2(kept, 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        run.wait(socket.socket(fileno=3), warmth, marker)
    ours.close()
    for standard, end in enumerate((theirs, service)):
        os.dup2(end.fileno(), standard)
    os.execve(program, ["rangehand", "supervise", "--spare"], {})


def reap(_signal, _frame):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


class Marker:
    """The value in our environment by which processes of a run are found.

    What /proc shows is the memory that the process was started with, and all that are forked share it until they
    write to it. So each run writes its name over what stands there.
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
