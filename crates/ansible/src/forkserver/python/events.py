"""What Ansible prints, and the events that it belongs to, as one stream of lines.

A line is an event as `ansible-runner run --json` writes it, or output that belongs to none.
"""

import io
import json
import os


class Screen:
    """Takes what is printed, in the order in which it would come to a terminal."""

    def __init__(self, output, ident):
        self.output = output
        self.ident = ident
        self.printed = []
        # The data of the current event; None outside of events.
        self.event = None
        self.parts = {number: Part(self, number) for number in (1, 2)}

    def stream(self, number):
        """A text stream to the screen that replaces the standard stream of this number."""
        part = self.parts[number]
        return io.TextIOWrapper(part, encoding="utf-8", write_through=True, line_buffering=True)

    def write(self, data):
        self.printed.append(data)
        if self.event is None and b"\n" in data:
            *lines, rest = b"".join(self.printed).split(b"\n")
            self.printed = [rest] if rest else []
            self.put(b"".join(line + b"\n" for line in lines))

    def begin(self, event):
        """Output from here on belongs to the event."""
        self.rest()
        self.event = event

    def end(self):
        """Ends the event, or the whole output."""
        for part in self.parts.values():
            part.flush()
        if self.event is None:
            return self.rest()
        event, self.event = self.event, None
        text = b"".join(self.printed).decode("utf-8", "replace")
        self.printed = []
        # Events have line ends as a terminal shows them.
        text = text.replace("\n", "\r\n").rstrip("\r\n")
        line = f'{{"runner_ident": {json.dumps(self.ident)}, "stdout": {json.dumps(text)}, {event[1:]}\n'
        self.put(line.encode())

    def rest(self):
        """Writes an incomplete line as a line."""
        if self.printed:
            self.put(b"".join(self.printed) + b"\n")
            self.printed = []

    def put(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.output, view) :]


class Part(io.BufferedIOBase):
    """One of the two standard streams to a screen.

    Each is written out at the end of a line. ansible-runner marks where an event begins without ending a line, so what
    goes to the other stream meanwhile comes before the event.
    """

    def __init__(self, screen, number):
        super().__init__()
        self.screen = screen
        self.number = number
        # Texts, and events that begin between them.
        self.held = []

    def write(self, data):
        self.held.append(bytes(data))
        return len(data)

    def flush(self):
        held, self.held = self.held, []
        for one in held:
            if isinstance(one, bytes):
                self.screen.write(one)
            else:
                self.screen.begin(one)

    def writable(self):
        return True

    def fileno(self):
        return self.number

    def isatty(self):
        return True


def context_of(callback, screen, is_loaded):
    """The callback's context class, with events that go to the screen.

    Until Ansible has loaded the callback, output belongs to no event.
    """

    class Context(callback.EventContext):
        """Replaces the marks in the output, and the files, with which ansible-runner transports events."""

        def dump_begin(self, stream):
            if not is_loaded():
                return
            event = json.dumps(self.get_begin_dict(), cls=callback.AnsibleJSONEncoderLocal)
            part = getattr(stream, "buffer", None)
            part = part if part in screen.parts.values() else screen.parts[1]
            part.held.append(event)

        def dump_end(self, _stream):
            if is_loaded():
                screen.end()

    return Context()
