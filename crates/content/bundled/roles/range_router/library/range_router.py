#!/usr/bin/python
"""Makes a machine forward packets as the rules of a range say: forwarding, routes, and a table of nftables."""

import ipaddress
import json
import os
import re

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: range_router
short_description: Makes a machine forward packets as the rules of a range say, and no others
description:
  - Sets a table of nftables in one transaction, then routes, then forwarding, so that nothing passes before it may.
  - What is set is recorded as the kernel lists it, so that a rule that was changed by hand is found and corrected.
  - Other tables, and routes of other protocols, stay as they are.
options:
  spec:
    description: Routes and rules of a router as Rangehand's plans have them.
    type: dict
    default: {}
  state:
    description: C(absent) removes the table and the routes, and switches forwarding off.
    type: str
    choices: [present, absent]
    default: present
  directory:
    description: Where the rules are kept.
    type: path
    default: /etc/rangehand
  at_boot:
    description: Are they set again when the machine starts? C(auto) - where systemd is running.
    type: str
    choices: [auto, "true", "false"]
    default: auto
author: Rangehand
"""

TABLE = "rangehand"
# The number by which routes of this module are recognized (`ip route ... proto 215`).
PROTOCOL = "215"
FORWARDING = ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding")
UNIT = "rangehand-router.service"
UNIT_FILE = "/etc/systemd/system/" + UNIT
UNIT_TEXT = """[Unit]
Description=Routes and rules of a range
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {script}

[Install]
WantedBy=multi-user.target
"""


class Invalid(Exception):
    pass


def network(text):
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise Invalid(str(error))


def address(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise Invalid(str(error))


def networks_match(field, networks, sign=""):
    family = "ip" if networks[0].version == 4 else "ip6"
    return "%s %s %s{ %s }" % (family, field, sign, ", ".join(str(one) for one in networks))


def crosses_outside(field, interface, outside, inside, version):
    """Matches what passes the interface that leads outside and is for, or from, no network of the range: behind another
    router, networks of the range are reached through the same interface."""
    match = 'meta nfproto %s %s "%s"' % ("ipv4" if version == 4 else "ipv6", interface, outside)
    own = [net for net in inside if net.version == version]
    return match + (" " + networks_match(field, own, "!= ") if own else "")


def side(spec, field, interface, outside, inside, version):
    """The match of one side of a rule; `None` if it has nothing in this family."""
    if spec["name"] == "any":
        return ""
    if spec["name"] == "uplink":
        return crosses_outside(field, interface, outside, inside, version) if outside else None
    addresses = [net for net in map(network, spec["addresses"]) if net.version == version]
    return networks_match(field, addresses) if addresses else None


def permission(allow):
    if allow == "any":
        return ""
    if allow == "icmp":
        return "meta l4proto { icmp, ipv6-icmp }"
    found = re.match(r"^(tcp|udp)/(\d{1,5})(?:-(\d{1,5}))?$", allow)
    if not found:
        raise Invalid("`%s` is not a valid permission" % allow)
    first, last = int(found.group(2)), int(found.group(3) or found.group(2))
    return "%s dport %s" % (found.group(1), first if first == last else "%d-%d" % (first, last))


def rules_of(rule, outside, inside):
    is_any = rule["from"]["name"] == "any" and rule["to"]["name"] == "any"
    # Without addresses one round is for both families.
    for version in (4,) if is_any else (4, 6):
        ends = [
            side(rule["from"], "saddr", "iifname", outside, inside, version),
            side(rule["to"], "daddr", "oifname", outside, inside, version),
        ]
        if None in ends:
            continue
        for allow in rule["allow"]:
            yield " ".join(part for part in ends + [permission(allow), "accept"] if part)


def ruleset(spec, outside, interfaces):
    """The table, as a script of nft that replaces the one before."""
    lines = ["ct state established,related accept"]
    # What leaves by the interface that it came from is between the network there and another router on it, which applies the
    # rules. Replies to what came through that router would be refused here.
    for interface in interfaces:
        lines.append('iifname "%s" oifname "%s" accept' % (interface, interface))
    # Nothing of the range is reached through an uplink of its own.
    inside = [] if spec["nat"] else [network(subnet) for subnet in spec["rules"]["inside"]]
    for subnet in map(network, spec["rules"]["isolated"]) if outside else ():
        for interface, other, field in (("oifname", "daddr", "saddr"), ("iifname", "saddr", "daddr")):
            crossing = crosses_outside(other, interface, outside, inside, subnet.version)
            lines.append("%s %s drop" % (crossing, networks_match(field, [subnet])))
    for rule in spec["rules"]["rules"]:
        lines.extend(rules_of(rule, outside, inside))
    text = "table inet %s\ndelete table inet %s\ntable inet %s {\n" % (TABLE, TABLE, TABLE)
    text += "\tchain forward {\n\t\ttype filter hook forward priority 0; policy drop;\n"
    text += "".join("\t\t%s\n" % line for line in lines) + "\t}\n"
    if spec["nat"]:
        text += "\tchain postrouting {\n\t\ttype nat hook postrouting priority 100; policy accept;\n"
        text += '\t\toifname "%s" masquerade\n\t}\n' % outside
    return text + "}\n"


class Router:
    def __init__(self, module):
        self.module = module
        self.directory = module.params["directory"]
        at_boot = module.params["at_boot"]
        self.at_boot = os.path.isdir("/run/systemd/system") if at_boot == "auto" else at_boot == "true"

    def path(self, name):
        return os.path.join(self.directory, name)

    def run(self, *command, **options):
        return self.module.run_command(list(command), **options)

    def must(self, *command, **options):
        code, out, error = self.run(*command, **options)
        if code != 0:
            self.module.fail_json(msg="`%s` failed: %s" % (" ".join(command), (error or out).strip()))
        return out

    def outside(self):
        """The interface that leads outside: that of the default route."""
        for family in ("-4", "-6"):
            for route in json.loads(self.must("ip", family, "-json", "route", "show", "default") or "[]"):
                if route.get("dev"):
                    return route["dev"]
        return None

    def interfaces(self, uplink):
        """The interfaces on networks of the range."""
        names = [link["ifname"] for link in json.loads(self.must("ip", "-json", "link", "show"))]
        return sorted(name for name in names if name not in ("lo", uplink))

    def routes(self):
        """The routes that were set by this module."""
        found = set()
        for family in ("-4", "-6"):
            text = self.must("ip", family, "-json", "route", "show", "proto", PROTOCOL)
            for route in json.loads(text or "[]"):
                if route.get("gateway"):
                    found.add((str(network(route["dst"])), route["gateway"]))
        return found

    def listing(self):
        code, out, _ = self.run("nft", "list", "table", "inet", TABLE)
        return out if code == 0 else None

    def forwards(self):
        return read(FORWARDING[0]).strip() == "1"

    def set_forwarding(self, value):
        for path in FORWARDING:
            # A kernel without IPv6 has only one of them.
            if os.path.exists(path):
                write(path, value)

    def boot_files(self, wanted):
        script = "set -e\nnft -f %s\n" % self.path("router.nft")
        for to, via in sorted(wanted):
            script += "ip route replace %s via %s proto %s\n" % (to, via, PROTOCOL)
        for path in FORWARDING:
            script += "[ ! -e %s ] || echo 1 > %s\n" % (path, path)
        files = {self.path("router.sh"): script}
        if self.at_boot:
            files[UNIT_FILE] = UNIT_TEXT.format(script=self.path("router.sh"))
        return files

    def present(self, spec):
        outside = self.outside()
        if spec["nat"] and not outside:
            self.module.fail_json(msg="addresses are to be translated, and the machine has no default route")
        text = ruleset(spec, outside, self.interfaces(outside if spec["nat"] else None))
        wanted = set((str(network(route["to"])), str(address(route["via"]))) for route in spec["routes"])
        files = self.boot_files(wanted)
        files[self.path("router.nft")] = text
        before = self.listing()
        routes = self.routes()
        is_set = (
            all(read(path) == content for path, content in files.items())
            and before is not None
            and before == read(self.path("router.listing"))
            and routes == wanted
            and self.forwards()
        )
        result = {"changed": not is_set}
        if self.module._diff:
            result["diff"] = {"before": read(self.path("router.nft")), "after": text}
        if is_set or self.module.check_mode:
            self.module.exit_json(**result)
        os.makedirs(self.directory, mode=0o755, exist_ok=True)
        # First the rules, then the forwarding: nothing passes before it may.
        self.must("nft", "-f", "-", data=text)
        for to, via in routes - wanted:
            self.run("ip", "route", "del", to, "via", via, "proto", PROTOCOL)
        for to, via in wanted - routes:
            self.must("ip", "route", "replace", to, "via", via, "proto", PROTOCOL)
        self.set_forwarding("1")
        for path, content in files.items():
            write(path, content)
        write(self.path("router.listing"), self.listing() or "")
        if self.at_boot:
            self.must("systemctl", "daemon-reload")
            self.must("systemctl", "enable", UNIT)
        self.module.exit_json(**result)

    def absent(self):
        files = [self.path("router." + end) for end in ("nft", "sh", "listing")]
        if self.at_boot:
            files.append(UNIT_FILE)
        there = [path for path in files if os.path.exists(path)]
        if not there:
            self.module.exit_json(changed=False)
        if not self.module.check_mode:
            self.set_forwarding("0")
            if self.listing() is not None:
                self.must("nft", "delete", "table", "inet", TABLE)
            for to, via in self.routes():
                self.must("ip", "route", "del", to, "via", via, "proto", PROTOCOL)
            if UNIT_FILE in there:
                self.run("systemctl", "disable", UNIT)
            for path in there:
                os.remove(path)
        self.module.exit_json(changed=True)


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except (IOError, OSError):
        return ""


def write(path, content):
    with open(path, "w") as file:
        file.write(content)


def main():
    module = AnsibleModule(
        argument_spec={
            "spec": {"type": "dict", "default": {}},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "directory": {"type": "path", "default": "/etc/rangehand"},
            "at_boot": {"type": "str", "choices": ["auto", "true", "false"], "default": "auto"},
        },
        supports_check_mode=True,
    )
    router = Router(module)
    try:
        if module.params["state"] == "absent":
            router.absent()
        router.present(module.params["spec"])
    except (Invalid, KeyError, TypeError) as error:
        module.fail_json(msg="the routes and rules are invalid: %s" % error)


if __name__ == "__main__":
    main()
