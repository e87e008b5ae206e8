#!/usr/bin/python
"""Sends packets to addresses, and returns which of them arrived. Needs nothing but Python."""

import errno
import os
import selectors
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: range_probe
short_description: Sends packets to addresses, and returns which of them arrived
description:
  - All packets are sent at once. A packet arrived if something answered from the address - also a TCP reset or an ICMP
    message that the port is closed, because a closed port shows that the packet was there.
options:
  probes:
    description: Packets separated by C(;), each as C(icmp ADDRESS), C(tcp/PORT ADDRESS) or C(udp/PORT ADDRESS).
    type: str
    required: true
  deadline_s:
    description: How long answers are awaited.
    type: float
    default: 4
author: Rangehand
"""

RETURN = r"""
arrived:
  description: >-
    A letter for each packet. C(y) it arrived. C(n) it did not. C(u) unknown - no answer to UDP, or the machine cannot send
    such packets.
  type: str
  returned: always
"""

# At most this many sockets are open at once.
BATCH = 300
# Packets that may be lost are sent again after this many seconds.
AGAIN_S = 1.0
# Nothing can be said about a packet.
UNKNOWN = None


class Probe:
    def __init__(self, text):
        what, self.address = text.split(" ")
        self.protocol, _, port = what.partition("/")
        if self.protocol not in ("icmp", "tcp", "udp"):
            raise ValueError("unknown protocol `%s`" % self.protocol)
        self.port = int(port) if port else 0
        self.family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self.arrived = UNKNOWN
        self.socket = None

    def letter(self):
        if self.arrived is UNKNOWN:
            return "u"
        return "y" if self.arrived else "n"


class Echo:
    """Echo requests of one family. Replies are recognized by a random token and the number of the probe in it."""

    def __init__(self, family):
        self.family = family
        self.token = os.urandom(8)
        self.probes = []
        is_v4 = family == socket.AF_INET
        protocol = socket.IPPROTO_ICMP if is_v4 else socket.IPPROTO_ICMPV6
        self.kinds = (8, 0) if is_v4 else (128, 129)
        self.socket = None
        for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                self.socket = socket.socket(family, kind, protocol)
                self.socket.setblocking(False)
                return
            except OSError:
                continue

    def send(self):
        for number, probe in enumerate(self.probes):
            if probe.arrived:
                continue
            payload = self.token + struct.pack("!I", number)
            head = struct.pack("!BBHHH", self.kinds[0], 0, 0, os.getpid() & 0xFFFF, number & 0xFFFF)
            if self.family == socket.AF_INET:
                head = struct.pack(
                    "!BBHHH", self.kinds[0], 0, checksum(head + payload), os.getpid() & 0xFFFF, number & 0xFFFF
                )
            try:
                self.socket.sendto(head + payload, (probe.address, 0))
            except OSError:
                continue

    def receive(self):
        while True:
            try:
                data, sender = self.socket.recvfrom(2048)
            except OSError:
                return
            at = data.find(self.token)
            # Without the header of a raw socket, the type is eight bytes before the token.
            if at < 8 or data[at - 8] != self.kinds[1] or len(data) < at + 12:
                continue
            number = struct.unpack("!I", data[at + 8 : at + 12])[0]
            if number < len(self.probes) and self.probes[number].address == sender[0].split("%")[0]:
                self.probes[number].arrived = True


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping_all(probes, deadline):
    """For machines where Python may not send echo requests, and the program `ping` may."""

    def ping(probe):
        command = ["ping", "-c", "1", "-W", str(max(1, int(deadline))), probe.address]
        try:
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=deadline + 2)
        except (OSError, subprocess.SubprocessError):
            return
        # 2 is another error than no answer.
        if done.returncode in (0, 1):
            probe.arrived = done.returncode == 0

    with ThreadPoolExecutor(max_workers=32) as pool:
        list(pool.map(ping, probes))


def begin(probe, selector):
    kind = socket.SOCK_STREAM if probe.protocol == "tcp" else socket.SOCK_DGRAM
    try:
        probe.socket = socket.socket(probe.family, kind)
    except OSError:
        return
    probe.socket.setblocking(False)
    code = probe.socket.connect_ex((probe.address, probe.port))
    if probe.protocol == "tcp":
        if code == errno.EINPROGRESS:
            probe.arrived = False
            selector.register(probe.socket, selectors.EVENT_WRITE, probe)
        else:
            probe.arrived = code in (0, errno.ECONNREFUSED)
    elif code == 0:
        selector.register(probe.socket, selectors.EVENT_READ, probe)
        send_datagram(probe)
    else:
        probe.arrived = False


def send_datagram(probe):
    try:
        probe.socket.send(b"rangehand")
    except ConnectionRefusedError:
        probe.arrived = True
    except OSError:
        pass


def finish(probe):
    """Reads the answer to a probe."""
    if probe.protocol == "tcp":
        code = probe.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        probe.arrived = code in (0, errno.ECONNREFUSED)
        return
    try:
        probe.socket.recv(2048)
        probe.arrived = True
    except ConnectionRefusedError:
        probe.arrived = True
    except BlockingIOError:
        pass
    except OSError:
        probe.arrived = False


def run(probes, deadline):
    echoes = []
    for family in (socket.AF_INET, socket.AF_INET6):
        mine = [probe for probe in probes if probe.protocol == "icmp" and probe.family == family]
        if not mine:
            continue
        echo = Echo(family)
        if not echo.socket:
            ping_all(mine, deadline)
            continue
        echo.probes = mine
        for probe in mine:
            probe.arrived = False
        echoes.append(echo)
    others = [probe for probe in probes if probe.protocol != "icmp"]
    batches = [others[at : at + BATCH] for at in range(0, len(others), BATCH)] or [[]]
    for number, batch in enumerate(batches):
        run_batch(batch, echoes if number == 0 else [], deadline)
    for echo in echoes:
        echo.socket.close()


def run_batch(batch, echoes, deadline):
    selector = selectors.DefaultSelector()
    for echo in echoes:
        selector.register(echo.socket, selectors.EVENT_READ, echo)
        echo.send()
    for probe in batch:
        begin(probe, selector)
    until = time.monotonic() + deadline
    again = time.monotonic() + AGAIN_S
    while True:
        now = time.monotonic()
        open_udp = [probe for probe in batch if probe.protocol == "udp" and probe.arrived is UNKNOWN]
        is_done = not any(isinstance(key.data, Probe) and key.data.protocol == "tcp" for key in selector.get_map().values())
        is_done = is_done and not open_udp and all(probe.arrived for echo in echoes for probe in echo.probes)
        if now >= until or is_done:
            break
        if now >= again:
            again = now + AGAIN_S
            for echo in echoes:
                echo.send()
            for probe in open_udp:
                send_datagram(probe)
        for key, _ in selector.select(min(until, again) - now):
            if isinstance(key.data, Echo):
                key.data.receive()
                continue
            finish(key.data)
            if key.data.protocol == "tcp" or key.data.arrived is not UNKNOWN:
                selector.unregister(key.fileobj)
    selector.close()
    for probe in batch:
        if probe.socket is not None:
            if probe.protocol == "tcp":
                # A connection is reset, so that nothing of it stays.
                probe.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            probe.socket.close()


def main():
    module = AnsibleModule(
        argument_spec={
            "probes": {"type": "str", "required": True},
            "deadline_s": {"type": "float", "default": 4},
        },
        supports_check_mode=True,
    )
    try:
        probes = [Probe(text) for text in module.params["probes"].split(";") if text]
    except ValueError as error:
        module.fail_json(msg="the probes are invalid: %s" % error)
    run(probes, module.params["deadline_s"])
    module.exit_json(changed=False, arrived="".join(probe.letter() for probe in probes))


if __name__ == "__main__":
    main()
