"""What surrounds Ansible in a run, by either executor: no terminal, and settings that its children do not inherit."""

import fcntl
import os
import signal
import termios

# Settings for Ansible's own process that are read whenever they are needed, not only while Ansible is imported.
LATE = ("ANSIBLE_CACHE_PLUGIN_", "ANSIBLE_HOST_KEY_CHECKING", "AWX_", "MAX_EVENT_RES", "ORIGINAL_", "RUNNER_")


def leave_terminal():
    """Prompts fail at once: input is empty, and there is no controlling terminal. Output may still go to a terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        pass  # There is none.
    else:
        # The leader of a session receives this signal when it releases the terminal.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        fcntl.ioctl(terminal, termios.TIOCNOTTY)
        os.close(terminal)
    nothing = os.open(os.devnull, os.O_RDONLY)
    if nothing != 0:
        os.dup2(nothing, 0)
        os.close(nothing)


def keep_from_children(inherited):
    """Sets the environment that the user configured for children, once this process has read its own.

    `inherited` has the variables that are set for this process alone, each with its value for children or None.
    """
    late = {name: os.environ[name] for name in inherited if name.startswith(LATE) and name in os.environ}

    class Own(type(os.environ)):
        """The environment of children; what this process still reads by name is found, but in no copy."""

        def __getitem__(self, name):
            return late[name] if name in late else super().__getitem__(name)

        def copy(self):
            plain = super().__getitem__
            return {name: plain(name) for name in self}

    for name, value in inherited.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    os.environ.__class__ = Own
