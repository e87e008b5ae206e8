"""The state of the fake Proxmox VE API of pve.py, and what the calls of the API and of tests do to it."""
import re
import threading
from urllib.parse import unquote

GIB = 2**30
API = "/api2/json"


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


# ---- what there is in the beginning ----------------------------------------------------------


def guest(vmid, name, status="running", **more):
    """A machine or container as the list of a node shows it."""
    runs = status == "running"
    return {
        "vmid": vmid, "name": name, "status": status, "tags": "web;production",
        "cpus": 2, "cpu": 0.125 if runs else 0, "maxmem": 4 * GIB, "mem": 2 * GIB if runs else 0,
        "maxdisk": 32 * GIB, "disk": 0, "diskread": 0, "diskwrite": 0, "netin": 1000, "netout": 500,
        "uptime": 86400 if runs else 0, **more,
    }


def first_machines():
    machines = [guest(1000, "admin-wazuh"), guest(1020, "admin-web-api-kong"), guest(2000, "web-01"),
                guest(3001, "student-box-01"), guest(9000, "tpl-noble", "stopped", template=1)]
    machines += [guest(4000 + number, f"vuln-box-0{number}") for number in range(5)]
    # In this order: lists are compared as they come.
    return {machine["vmid"]: machine for machine in machines}


def first_interfaces():
    return [
        {"iface": "vmbr0", "type": "bridge", "method": "static", "method6": "manual", "address": "192.168.42.1",
         "netmask": "255.255.255.0", "cidr": "192.168.42.1/24", "families": ["inet"], "priority": 3,
         "autostart": 1, "active": 1, "bridge_ports": "enp1s0", "bridge_stp": "off", "bridge_fd": "0"},
        {"iface": "enp1s0", "type": "eth", "method": "manual", "method6": "manual", "families": ["inet"],
         "priority": 4, "exists": 1, "active": 1},
    ]


STORAGES = [
    {"storage": "local", "type": "dir", "content": "iso,vztmpl,backup", "active": 1, "enabled": 1, "shared": 0,
     "avail": 100, "total": 200, "used": 100, "used_fraction": 0.5},
    {"storage": "local-lvm", "type": "lvmthin", "content": "images,rootdir", "active": 1, "enabled": 1,
     "shared": 0, "avail": 3600935440666, "total": 3836496314368, "used": 235560873702, "used_fraction": 0.0614},
]

MACHINE_CONFIG = {
    "cores": 2, "sockets": 1, "cpu": "host", "memory": "4096", "digest": "29bec92",
    "ide2": "local:iso/x.iso,media=cdrom,size=4M", "scsi0": "local-lvm:vm-disk-0,size=32G",
    "net0": "virtio=BC:24:11:CB:B3:C7,bridge=vmbr0",
}
CONTAINER_CONFIG = {"cores": 1, "memory": 512, "arch": "amd64", "ostype": "debian", "digest": "5e1ca11"}

# The status after a call of status/NAME.
STATUS_AFTER = {"start": "running", "resume": "running", "reboot": "running", "reset": "running",
                "suspend": "paused", "stop": "stopped", "shutdown": "stopped"}
# Proxmox's names for the two kinds of guests: the beginning of a task's type, the directory of their files.
KINDS = {"qemu": ("qm", "qemu-server"), "lxc": ("vz", "lxc")}


# ---- the API ---------------------------------------------------------------------------------

ROUTES = []


def route(method, pattern):
    """Says which method of Node answers: {name} in the pattern stands for a segment of the path."""
    segments = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
    return lambda answer: ROUTES.append((method, re.compile(API + segments), answer)) or answer


class Proxmox:
    """The state, and what the calls do to it."""

    def __init__(self):
        self.lock = threading.RLock()
        self.reset()

    def reset(self):
        self.guests = {"qemu": first_machines(), "lxc": {}}
        self.configs, self.snapshots, self.aliases, self.rules = {}, {}, {}, {}
        self.interfaces = first_interfaces()
        self.firewalls = {}
        self.tasks = {}
        self.fault, self.fate, self.log = {}, {}, []

    def answer(self, method, path, fields):
        """Finds the route for a call and returns its data."""
        known = False
        for wanted, pattern, answer in ROUTES:
            found = pattern.fullmatch(path)
            known = known or bool(found)
            if found and method == wanted:
                parts = {name: unquote(part) for name, part in found.groupdict().items()}
                return answer(self, fields, path=path, **parts)
        raise Refusal(501, f"Method '{method} {path.removeprefix(API)}' not implemented")

    def task(self, path, node, kind, vmid=""):
        """The id of a new task. It is the same for the same task, so that replies can be compared."""
        upid = f"UPID:{node}:00281144:16855865:68C04C13:{kind}:{vmid}:API_master@pam!API_master:"
        self.tasks[upid] = {"exitstatus": "OK", "polls": 0}
        if self.fate and applies(self.fate, path):
            self.tasks[upid] = {"exitstatus": "OK", "polls": 0, **self.fate}
        return upid

    def guest(self, node, kind, vmid):
        try:
            return self.guests[kind][int(vmid)]
        except (KeyError, ValueError):
            folder = KINDS[kind][1]
            message = f"Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist\n"
            raise Refusal(500, message) from None

    # -- the cluster and its nodes --

    @route("GET", "/version")
    def version(self, _fields, **_):
        return {"version": "8.4.1", "release": "8.4", "repoid": "2a5fa54a8503f96d"}

    @route("GET", "/nodes")
    def nodes(self, _fields, **_):
        return [{"node": "px-testing", "type": "node", "status": "online", "id": "node/px-testing"}]

    @route("GET", "/cluster/firewall/options")
    @route("GET", "/nodes/{node}/firewall/options")
    @route("GET", "/nodes/{node}/{kind}/{vmid}/firewall/options")
    def firewall_options(self, _fields, path, **_):
        return self.firewalls.get(path, {"enable": 0})

    @route("PUT", "/cluster/firewall/options")
    @route("PUT", "/nodes/{node}/firewall/options")
    @route("PUT", "/nodes/{node}/{kind}/{vmid}/firewall/options")
    def set_firewall_options(self, fields, path, node="", kind="", vmid=""):
        if vmid:
            self.guest(node, kind, vmid)
        self.firewalls.setdefault(path, {}).update(fields)

    @route("GET", "/nodes/{node}/network")
    def interfaces_of_node(self, _fields, **_):
        return self.interfaces

    @route("POST", "/nodes/{node}/network")
    def add_interface(self, fields, **_):
        self.interfaces.append(dict(fields))

    @route("PUT", "/nodes/{node}/network")
    def apply_interfaces(self, _fields, path, node):
        return self.task(path, node, "srvreload", "networking")

    @route("DELETE", "/nodes/{node}/network")
    def forget_interface_changes(self, _fields, **_):
        return None

    @route("DELETE", "/nodes/{node}/network/{iface}")
    def delete_interface(self, _fields, iface, **_):
        self.interfaces = [one for one in self.interfaces if one["iface"] != iface]

    @route("GET", "/nodes/{node}/storage")
    def storages(self, _fields, **_):
        return STORAGES

    @route("GET", "/nodes/{node}/storage/{storage}/content")
    def content(self, fields, storage, **_):
        kind, name, form = ("iso", "noble.img", "iso")
        if fields.get("content") != "iso":
            kind, name, form = ("vztmpl", "debian-12.tar.zst", "tzst")
        return [{"content": kind, "volid": f"{storage}:{kind}/{name}", "format": form, "ctime": 1753343734,
                 "size": 614746112}]

    @route("POST", "/nodes/{node}/storage/{storage}/download-url")
    def download(self, _fields, path, node, **_):
        return self.task(path, node, "download", 0)

    @route("GET", "/nodes/{node}/tasks/{upid}/status")
    def task_status(self, _fields, upid, node, **_):
        task = self.find_task(upid)
        status = {"upid": upid, "node": node, "type": upid.split(":")[5], "id": upid.split(":")[6],
                  "user": "API_master@pam!API_master", "pid": 0x281144, "pstart": 0x16855865,
                  "starttime": 0x68C04C13}
        if task["polls"] > 0:
            task["polls"] -= 1
            return status | {"status": "running"}
        return status | {"status": "stopped", "exitstatus": task["exitstatus"]}

    @route("GET", "/nodes/{node}/tasks/{upid}/log")
    def task_log(self, _fields, upid, **_):
        task = self.find_task(upid)
        last = "TASK OK" if task["exitstatus"] == "OK" else f"TASK ERROR: {task['exitstatus']}"
        return [{"n": 1, "t": last}]

    def find_task(self, upid):
        if upid not in self.tasks:
            raise Refusal(400, "Parameter verification failed.")
        return self.tasks[upid]

    # -- machines and containers --

    @route("GET", "/nodes/{node}/{kind}")
    def list_guests(self, _fields, kind, **_):
        return list(self.of_kind(kind).values())

    @route("POST", "/nodes/{node}/{kind}")
    def create(self, fields, path, node, kind):
        vmid, word = int(fields["vmid"]), {"qemu": "VM", "lxc": "CT"}.get(kind)
        if any(vmid in guests for guests in self.guests.values()):
            raise Refusal(500, f"unable to create {word} {vmid} - {word} {vmid} already exists on node '{node}'\n")
        name = fields.get("hostname" if kind == "lxc" else "name", f"{word}{vmid}")
        self.of_kind(kind)[vmid] = guest(vmid, name, "stopped")
        return self.task(path, node, KINDS[kind][0] + "create", vmid)

    def of_kind(self, kind):
        if kind not in self.guests:
            raise Refusal(501, f"no `{kind}` in this fake")
        return self.guests[kind]

    @route("DELETE", "/nodes/{node}/{kind}/{vmid}")
    def delete(self, _fields, path, node, kind, vmid):
        self.guest(node, kind, vmid)
        del self.guests[kind][int(vmid)]
        return self.task(path, node, KINDS[kind][0] + "destroy", vmid)

    @route("GET", "/nodes/{node}/{kind}/{vmid}/status/current")
    def status(self, _fields, node, kind, vmid, **_):
        return self.guest(node, kind, vmid)

    @route("POST", "/nodes/{node}/{kind}/{vmid}/status/{change}")
    def change_status(self, _fields, path, node, kind, vmid, change):
        guest = self.guest(node, kind, vmid)
        if change not in STATUS_AFTER:
            raise Refusal(501, f"no `{change}` in this fake")
        guest["status"] = STATUS_AFTER[change]
        return self.task(path, node, KINDS[kind][0] + change, vmid)

    @route("GET", "/nodes/{node}/{kind}/{vmid}/config")
    def config(self, _fields, node, kind, vmid, **_):
        guest = self.guest(node, kind, vmid)
        first = {"name": guest["name"], **MACHINE_CONFIG} if kind == "qemu" else (
            {"hostname": guest["name"], **CONTAINER_CONFIG})
        return {**first, "tags": guest.get("tags", ""), **self.configs.get(int(vmid), {}), **guest.get("config", {})}

    @route("POST", "/nodes/{node}/{kind}/{vmid}/config")
    @route("PUT", "/nodes/{node}/{kind}/{vmid}/config")
    def set_config(self, fields, node, kind, vmid, **_):
        guest = self.guest(node, kind, vmid)
        config = self.configs.setdefault(int(vmid), {})
        config.update(fields)
        for name in str(fields.get("delete", "")).split(","):
            config.pop(name, None)
        guest["tags"] = fields.get("tags", guest.get("tags"))

    @route("PUT", "/nodes/{node}/{kind}/{vmid}/resize")
    def resize(self, _fields, path, node, kind, vmid):
        self.guest(node, kind, vmid)
        return self.task(path, node, "resize", vmid)

    @route("PUT", "/nodes/{node}/qemu/{vmid}/cloudinit")
    def regenerate_cloudinit(self, _fields, node, vmid, **_):
        self.guest(node, "qemu", vmid)

    @route("POST", "/nodes/{node}/{kind}/{vmid}/template")
    def make_template(self, _fields, path, node, kind, vmid):
        self.guest(node, kind, vmid)["template"] = 1
        return self.task(path, node, KINDS[kind][0] + "template", vmid)

    @route("POST", "/nodes/{node}/{kind}/{vmid}/clone")
    def clone(self, fields, path, node, kind, vmid):
        self.guest(node, kind, vmid)
        new = int(fields["newid"])
        if new in self.guests[kind]:
            raise Refusal(500, f"unable to create VM {new}: config file already exists\n")
        name = fields.get("hostname", fields.get("name", f"vm-{new}"))
        self.guests[kind][new] = guest(new, name, "stopped")
        return self.task(path, node, KINDS[kind][0] + "clone", vmid)

    # -- snapshots --

    def add_snapshot(self, vmid, name, description=""):
        taken = {"name": name, "description": description, "snaptime": 1757517545}
        self.snapshots.setdefault(int(vmid), []).append(taken)

    @route("GET", "/nodes/{node}/{kind}/{vmid}/snapshot")
    def list_snapshots(self, _fields, node, kind, vmid, **_):
        self.guest(node, kind, vmid)
        taken = self.snapshots.get(int(vmid), [])
        current = {"name": "current", "description": "You are here!", "digest": "7cc59c9", "running": 1,
                   "parent": taken[-1]["name"] if taken else ""}
        return [*taken, current]

    @route("POST", "/nodes/{node}/{kind}/{vmid}/snapshot")
    def take_snapshot(self, fields, path, node, kind, vmid):
        self.guest(node, kind, vmid)
        self.add_snapshot(vmid, fields.get("snapname"), fields.get("description", ""))
        return self.task(path, node, KINDS[kind][0] + "snapshot", vmid)

    def find_snapshot(self, node, kind, vmid, name):
        self.guest(node, kind, vmid)
        if not any(taken["name"] == name for taken in self.snapshots.get(int(vmid), [])):
            raise Refusal(500, f"snapshot '{name}' does not exist\n")

    @route("DELETE", "/nodes/{node}/{kind}/{vmid}/snapshot/{name}")
    def delete_snapshot(self, _fields, path, node, kind, vmid, name):
        self.find_snapshot(node, kind, vmid, name)
        kept = [taken for taken in self.snapshots[int(vmid)] if taken["name"] != name]
        self.snapshots[int(vmid)] = kept
        return self.task(path, node, KINDS[kind][0] + "delsnapshot", vmid)

    @route("POST", "/nodes/{node}/{kind}/{vmid}/snapshot/{name}/rollback")
    def rollback(self, _fields, path, node, kind, vmid, name):
        self.find_snapshot(node, kind, vmid, name)
        return self.task(path, node, KINDS[kind][0] + "rollback", vmid)

    # -- the firewall of a guest --

    @route("GET", "/nodes/{node}/{kind}/{vmid}/firewall/aliases")
    def list_aliases(self, _fields, node, kind, vmid, **_):
        self.guest(node, kind, vmid)
        return self.aliases.get(int(vmid), [])

    @route("POST", "/nodes/{node}/{kind}/{vmid}/firewall/aliases")
    def add_alias(self, fields, node, kind, vmid, **_):
        self.guest(node, kind, vmid)
        self.aliases.setdefault(int(vmid), []).append(dict(fields))

    @route("DELETE", "/nodes/{node}/{kind}/{vmid}/firewall/aliases/{name}")
    def delete_alias(self, _fields, node, kind, vmid, name, **_):
        self.guest(node, kind, vmid)
        kept = [alias for alias in self.aliases.get(int(vmid), []) if alias.get("name") != name]
        self.aliases[int(vmid)] = kept

    @route("GET", "/nodes/{node}/{kind}/{vmid}/firewall/rules")
    def list_rules(self, _fields, node, kind, vmid, **_):
        self.guest(node, kind, vmid)
        return [{**rule, "pos": position} for position, rule in enumerate(self.rules.get(int(vmid), []))]

    @route("POST", "/nodes/{node}/{kind}/{vmid}/firewall/rules")
    def add_rule(self, fields, node, kind, vmid, **_):
        self.guest(node, kind, vmid)
        self.rules.setdefault(int(vmid), []).append(dict(fields))

    @route("DELETE", "/nodes/{node}/{kind}/{vmid}/firewall/rules/{position}")
    def delete_rule(self, _fields, node, kind, vmid, position, **_):
        self.guest(node, kind, vmid)
        del self.rules.get(int(vmid), [])[int(position):int(position) + 1]

    # ---- what tests do -----------------------------------------------------------------------

    def control(self, method, path, fields):
        known = {"/__reset": self.reset, "/__log": self.log.clear} if method != "GET" else {}
        if path in known:
            known[path]()
        elif (method, path) == ("GET", "/__log"):
            return list(self.log)
        elif path == "/__fail":
            self.fault = dict(fields)
        elif path == "/__task":
            self.fate = dict(fields)
        else:
            self.control_guest(method, path, fields)
        return {}

    def control_guest(self, method, path, fields):
        found = re.fullmatch(r"/__(vm|lxc|snapshot|alias|rule)/(\d+)", path)
        if not found:
            raise Refusal(404, "no such control path")
        what, vmid = found[1], int(found[2])
        guests = self.guests["lxc" if what == "lxc" else "qemu"]
        if what in ("vm", "lxc") and method == "DELETE":
            guests.pop(vmid, None)
        elif what in ("vm", "lxc"):
            guests.setdefault(vmid, guest(vmid, f"vm-{vmid}")).update(fields)
        elif what == "snapshot":
            self.add_snapshot(vmid, **fields)
        else:
            {"alias": self.aliases, "rule": self.rules}[what].setdefault(vmid, []).append(fields)


def applies(order, path):
    """Does an order of a test apply to a call? Counts it down."""
    if order.get("times") == 0 or not re.search(order.get("path", ""), path):
        return False
    if "times" in order:
        order["times"] -= 1
    return True
