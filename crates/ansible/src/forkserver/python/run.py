"""Turns a forked process into one that runs a playbook, with the same result as under `ansible-runner`."""

import atexit
import ctypes
import fcntl
import io
import json
import logging
import multiprocessing.util
import os
import resource
import signal
import socket
import struct
import sys
import termios
import threading
import time
import traceback

from rangehand import events, sandbox, surroundings, view

# The maximum size of a request of the supervisor: it contains the environment.
REQUEST_BYTES = 1 << 20
# The maximum number of files that come with it: the namespaces of a sandbox.
MOST_FILES = 8
# The maximum length of a process number.
NUMBER_BYTES = 20
# The terminal size that playbooks have under ansible-runner.
ROWS, COLUMNS = 24, 80
# As much as the kernel allows without a privilege: events are written in bursts.
PIPE_BYTES = 1 << 20
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38


class Refused(Exception):
    """This process cannot run it as a fresh one would."""


def wait(control, warmth, marker):
    """Waits for start requests of the supervisor. Never returns."""
    try:
        name = control.recv(REQUEST_BYTES)
        if not name:
            os._exit(0)
        # From here on this process belongs to a run.
        marker.set(json.loads(name)["run"])
        control.send(json.dumps({"waiting": os.getpid()}).encode())
        while True:
            message, namespaces, _, _ = socket.recv_fds(control, REQUEST_BYTES, MOST_FILES, socket.MSG_CMSG_CLOEXEC)
            if not message:
                os._exit(0)
            request = json.loads(message)
            is_last = request["then"] == "end"
            if is_last and not namespaces:
                begin(control, request, warmth, os.getpid())
            # The intermediate parent exits at once, so that the new process becomes a child of the supervisor.
            gate, opener = os.pipe()
            parent = 0 if is_last else os.fork()
            if parent == 0:
                fork_ansible(control, request, warmth, namespaces, gate, opener)
            os.waitpid(parent, 0)
            for descriptor in (gate, opener, *namespaces):
                os.close(descriptor)
    except BaseException:
        os._exit(126)


def fork_ansible(control, request, warmth, namespaces, gate, opener):
    """Forks a process that runs a playbook, in the sandbox if there is one, and ends this one."""
    try:
        enter_groups(request)
        sandbox.join(request["namespaces"], namespaces)
        numbers, writer = os.pipe()
        pid = os.fork()
        if pid:
            # In its own namespace the process has another number than outside.
            os.write(writer, str(pid).encode())
            os._exit(0)
        os.close(writer)
        pid = int(os.read(numbers, NUMBER_BYTES))
        os.close(numbers)
        # Continue only as a child of the supervisor, which searches its children: its parent has exited when the pipe is closed.
        os.close(opener)
        os.read(gate, 1)
        os.close(gate)
    except BaseException as error:
        refuse(control, error)
    begin(control, request, warmth, pid)


def begin(control, request, warmth, pid):
    """Runs a playbook in this process, and exits. `pid` is the number of this process outside of its namespace."""
    try:
        output, terminal, screen = prepare(request, warmth)
    except BaseException as error:
        refuse(control, error)
    socket.send_fds(control, [json.dumps({"pid": pid}).encode()], [output, terminal])
    for descriptor in (output, terminal, control.detach()):
        os.close(descriptor)
    os._exit(play(request["arguments"], warmth, screen))


def refuse(control, error):
    """Reports that this process can't run the request, and exits."""
    reason = str(error) if isinstance(error, Refused) else traceback.format_exc()
    control.send(json.dumps({"refused": reason}).encode())
    os._exit(0)


def prepare(request, warmth):
    """Makes this process like a fresh one. Returns the other ends of its output and terminal, and its screen."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # As under ansible-runner: background processes survive the end of their terminal.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    confine(request)
    terminal = open_terminal()
    output, writer = os.pipe2(os.O_CLOEXEC)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["directory"])
    # As the kernel starts a script: by its path.
    request["arguments"][0] = os.path.join(sys.path[0], request["arguments"][0])
    sys.argv = request["arguments"]
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    screen = events.Screen(writer, request["ident"])
    sys.stdout, sys.stderr = screen.stream(1), screen.stream(2)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    atexit._clear()  # Exit handlers of the fork server must not run here.
    for last in (logging.shutdown, multiprocessing.util._exit_function):
        atexit.register(last)
    warmth.renew(screen)
    surroundings.keep_from_children(request["inherited"])
    return output, terminal, screen


def protect_memory(is_protected):
    """Sets whether other processes of the user are kept from the memory and the environment of this one.

    A waiting process belongs to no run, so no run can be allowed to read or change it. A process that runs Ansible is
    accessible to its own run, like any program. Among other things, Linux then lets it set up a user namespace. In a sandbox
    it stays protected, because it was started outside: through /proc, others could reach the file that it was started from.
    """
    # If the kernel refuses, the run continues: memory is then as accessible as that of other programs.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0 if is_protected else 1, 0, 0, 0)


def enter_groups(request):
    for group in request["groups"]:
        with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as processes:
            processes.write("0")


def confine(request):
    """Applies the limits of the run to this process and all that it starts."""
    if request["namespaces"]:
        sandbox.give_up_capabilities()
    else:
        protect_memory(False)
        enter_groups(request)
    if request["view"]:
        view.enter(request["view"])
    lower(resource.RLIMIT_CORE, 0)
    if request["open_files"]:
        lower(resource.RLIMIT_NOFILE, request["open_files"])
    if request["file_bytes"]:
        lower(resource.RLIMIT_FSIZE, request["file_bytes"])
    if request["no_new_privileges"] and ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise Refused("privileges cannot be given up")
    if request["scopes"]:
        sandbox.scope(request["scopes"])
    if request["filter"]:
        sandbox.filter_calls(bytes.fromhex(request["filter"]))


def lower(what, limit):
    """Sets both limits, and raises neither above the hard limit."""
    hard = resource.getrlimit(what)[1]
    limit = limit if hard == resource.RLIM_INFINITY else min(hard, limit)
    resource.setrlimit(what, (limit, limit))


def open_terminal():
    """Creates a session for this process and a terminal to write to, as ansible-runner does. Returns the other end.

    It is not the terminal of the session, and nothing is read from it: prompts can't be answered.
    """
    os.setsid()
    other, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    flags = termios.tcgetattr(terminal)
    flags[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, flags)
    for standard in (1, 2):
        os.dup2(terminal, standard)
    os.close(terminal)
    surroundings.leave_terminal()
    return other


def play(arguments, warmth, screen):
    """Runs the playbook. Returns the exit code."""
    code = 0
    try:
        warmth.playbook(arguments)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 250
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    # As Python ends: threads are waited for, then workers of Ansible.
    for last in (threading._shutdown, atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush, screen.end):
        try:
            last()
        except BaseException:
            pass
    return (code or 0) & 0xFF
