"""Adds to the events of ansible-runner's callback what only Ansible itself knows.

`counted_as`       how Ansible counted a failure in its recap: failed, rescued, ignored or unreachable
`errors_cleared`   how many of a host's failures were cleared by `meta: clear_host_errors`
`custom_per_host`  the statistics that `set_stats` keeps per host
`debug_var`        the variable that a `debug` task shows, as it is written
`plain_names`      which names (of play and task) are used as they are written: they contain no value of a variable

A process that imports Ansible once calls `install`. For ansible-runner this file is a callback plugin, which Ansible
loads after the callback that it extends.
"""

import functools
import sys

COUNTED = {"failures": "failed", "rescued": "rescued", "ignored": "ignored", "dark": "unreachable"}
# How many tasks are remembered; only those whose events are still being written matter.
MOST_TASKS = 1000


class Details:
    """What is known of the run of this process."""

    def __init__(self):
        self.stats = None
        # By host: how its last failure was counted, until the event of that failure takes it.
        self.counted = {}
        self.cleared = {}
        # By the identifier of a task.
        self.tasks = {}
        self.play_is_plain = False

    def count(self, stats, what, host):
        self.stats = stats
        if what in COUNTED:
            self.counted[host] = COUNTED[what]

    def clear(self, host):
        if self.stats is not None:
            failures = self.stats.failures.get(host.name, 0) + self.stats.dark.get(host.name, 0)
            if failures:
                self.cleared[host.name] = failures

    def see_play(self, play):
        self.play_is_plain = is_plain(play)

    def see_task(self, task):
        if len(self.tasks) >= MOST_TASKS:
            self.tasks.clear()
        shown = task.args.get("var") if str(task.action).rpartition(".")[2] == "debug" else None
        self.tasks[str(task._uuid)] = (is_plain(task), shown if isinstance(shown, str) else None)

    def add(self, event):
        data = event["event_data"]
        if not data:
            return
        task_is_plain, shown = self.tasks.get(data.get("task_uuid"), (False, None))
        plain = {"play": self.play_is_plain, "task": task_is_plain}
        data["plain_names"] = [what for what, is_it in plain.items() if is_it]
        if shown is not None:
            data["debug_var"] = shown
        if event["event"] in ("runner_on_failed", "runner_on_unreachable"):
            counted = self.counted.pop(data.get("host"), None)
            if counted:
                data["counted_as"] = counted
        elif event["event"] == "playbook_on_stats" and self.stats is not None:
            data["errors_cleared"] = self.cleared
            data["custom_per_host"] = {host: values for host, values in self.stats.custom.items() if host != "_run"}


def is_plain(named):
    """Is the name the one that is written in the file? What has no name of its own has no value in it."""
    written = getattr(named, "_ds", None)
    written = written.get("name") if isinstance(written, dict) else None
    return written is None or str(written) == str(named.name)


def before(kind, name, look):
    """Has `look` called with what a method is called with, before the method."""
    original = getattr(kind, name)

    @functools.wraps(original)
    def method(self, *positional, **named):
        try:
            look(self, *positional, **named)
        except Exception:
            pass  # The run continues without this detail.
        return original(self, *positional, **named)

    setattr(kind, name, method)


def install(callback):
    """Extends the events of this module, which is ansible-runner's callback."""
    from ansible.executor import play_iterator, stats

    details = Details()
    before(stats.AggregateStats, "increment", details.count)
    before(play_iterator.PlayIterator, "clear_host_errors", lambda _iterator, host: details.clear(host))
    before(callback.CallbackModule, "set_play", lambda _callback, play: details.see_play(play))
    before(callback.CallbackModule, "set_task", lambda _callback, task, *_rest, **_named: details.see_task(task))
    original = callback.EventContext.get_begin_dict

    @functools.wraps(original)
    def get_begin_dict(self):
        event = original(self)
        try:
            details.add(event)
        except Exception:
            pass  # As above.
        return event

    callback.EventContext.get_begin_dict = get_begin_dict


def loaded_callback():
    """ansible-runner's callback, when Ansible has loaded it into this process."""
    for name, module in list(sys.modules.items()):
        if name.rpartition(".")[2] == "awx_display" and hasattr(module, "EventContext"):
            return module
    return None
