"""Keeps Ansible imported, and forks a process for each run that asks for one.

    service --launch--> host --forked before--> becomes the supervisor (our own program again)
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
# How large a request of the service may be.
REQUEST_BYTES = 1 << 20
# How many descriptors come with a request: our program, what the supervisor is told, its lock and its log.
DESCRIPTORS = 4
# How long nothing must have been asked for before modules are packed, in seconds.
QUIET_S = 1.5


def main():
    os.setsid()  # What a terminal sends to the service is not meant for us.
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    told = json.loads(control.recv(REQUEST_BYTES))
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
    serve(control, warmth, marker)


def serve(control, warmth, marker):
    """Launches until the service is gone."""
    spare = Spare(control, warmth, marker)
    launched, packing, is_packed = False, None, False
    while True:
        # Modules are packed when something was launched at all, and then nothing for a while.
        wait = QUIET_S if launched and not is_packed and packing is None else None
        readable = select.select([source for source in (control, packing) if source], [], [], wait)[0]
        if not readable:
            packing = pack(warmth, control)
        elif packing in readable and not take(packing, warmth):
            packing.close()
            packing, is_packed = None, True
            gc.collect()
            gc.freeze()
            spare.socket.close()
            spare = Spare(control, warmth, marker)
        if control not in readable:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
        if not message:
            return
        launched = True
        try:
            answer = {"launched": spare.launch(json.loads(message), descriptors)}
        except OSError as error:
            answer = {"failed": str(error)}
        control.send(json.dumps(answer).encode())
        for descriptor in descriptors:
            os.close(descriptor)
        spare = Spare(control, warmth, marker)


def pack(warmth, control):
    """Starts a process that packs modules; gives where it writes them."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            # The service sees by it that the host is gone, at once.
            control.close()
            os.close(reader)
            os.nice(10)
            for packed in warmth.modules.pack_usual():
                os.write(writer, len(packed).to_bytes(8, "big"))
                view = memoryview(packed)
                while view:
                    view = view[os.write(writer, view) :]
        finally:
            os._exit(0)
    os.close(writer)
    return open(reader, "rb")


def take(packing, warmth):
    """Takes the next module that was packed; says whether there may be more."""
    length = packing.read(8)
    packed = packing.read(int.from_bytes(length, "big"))
    if len(length) < 8:
        return False
    warmth.modules.take(packed)
    return True


class Spare:
    """Two processes that wait: one to become a supervisor, and its child, to be told by it what to run.

    They are forked before a run asks for them, because forking takes longer than all else that a launch does.
    """

    def __init__(self, control, warmth, marker):
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                self.socket.close()
                control.close()
                become_supervisor(other, warmth, marker)
            finally:
                # The service sees that the lock is free and that there is no outcome.
                os._exit(126)
        other.close()

    def launch(self, request, descriptors):
        """Has it begin; gives the number of the supervisor."""
        socket.send_fds(self.socket, [json.dumps(request).encode()], descriptors)
        self.socket.close()
        return self.pid


def become_supervisor(host, warmth, marker):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        # Everything else belongs to the one that becomes the supervisor.
        kept = ours.detach()
        host.detach()
        theirs.detach()
        os.dup2(kept, 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        run.wait(socket.socket(fileno=3), warmth, marker)
    ours.close()
    message, descriptors, _, _ = socket.recv_fds(host, REQUEST_BYTES, DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
    if not message:
        os._exit(0)
    request = json.loads(message)
    program, spec, lock, log = descriptors
    socket.send_fds(theirs, [request["run"].encode()], [spec])
    for standard, descriptor in enumerate((theirs.fileno(), lock, log)):
        os.dup2(descriptor, standard)
    os.execve(program, request["command"], {})


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
