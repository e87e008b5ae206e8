"""What ranges need of a Proxmox VE and the simulator `fakepve` does not keep: the network of a node, SDN, the size of disks,
drives for cloud-init, and an agent in guests. Shapes and texts are those of pve-manager, pve-network, and qemu-server.

Also faults of the connection, which no simulator has: see `fault` in proxmox.py.
"""

import asyncio
import json
import re

from aiohttp import web
from fakepve.lxc import SIZE_UNITS, format_size, split_props
from fakepve.model import PveError
from fakepve.routing import die, param_error

NETWORK = "/nodes/{node}/network"
VNETS = "/cluster/sdn/vnets"
ZONES = "/cluster/sdn/zones"


class Staged:
    """Objects that are changed first and applied later."""

    def __init__(self, objects=None):
        self.running = dict(objects or {})
        self.config = {name: dict(value) for name, value in self.running.items()}

    def apply(self):
        self.running = {name: dict(value) for name, value in self.config.items()}

    def pending(self, key):
        """As `pending=1` shows them: what runs, with `state` and what is staged in `pending`."""
        shown = []
        for name in sorted({*self.running, *self.config}):
            before, after = self.running.get(name), self.config.get(name)
            if before is None:
                shown.append({key: name, "state": "new", "pending": {k: v for k, v in after.items() if k != key}})
            elif after is None:
                shown.append({**before, "state": "deleted"})
            elif before != after:
                changed = {k: v for k, v in after.items() if before.get(k) != v}
                shown.append({**before, "state": "changed", "pending": changed})
            else:
                shown.append(dict(before))
        return shown


class Ranges:
    """A mixin in front of `FakePve`."""

    def __init__(self, **options):
        super().__init__(**options)
        self.zones = Staged({"lab": {"zone": "lab", "type": "simple"}, "tagged": {"zone": "tagged", "type": "vlan"}})
        self.vnets = Staged()
        self.networks = {}
        self.faults = []
        self.boots = {}

    # -- SDN --

    def _routes_ranges_sdn(self):
        return [("GET", ZONES, self._zone_list), ("POST", ZONES, self._zone_create), ("GET", VNETS, self._vnet_list),
                ("POST", VNETS, self._vnet_create), ("PUT", VNETS + "/{vnet}", self._vnet_update),
                ("DELETE", VNETS + "/{vnet}", self._vnet_delete), ("PUT", "/cluster/sdn", self._sdn_apply)]

    @staticmethod
    def _shown(staged, key, v):
        if v.get("pending"):
            return staged.pending(key)
        return list((staged.running if v.get("running") else staged.config).values())

    async def _zone_list(self, v, _user):
        return self._shown(self.zones, "zone", v)

    async def _zone_create(self, v, _user):
        if v["zone"] in self.zones.config:
            raise die(f"sdn zone object ID '{v['zone']}' already defined")
        self.zones.config[v["zone"]] = {key: v[key] for key in ("zone", "type", "bridge") if key in v}

    async def _vnet_list(self, v, _user):
        return self._shown(self.vnets, "vnet", v)

    def _check_tag(self, name, zone, tag):
        found = self.zones.config.get(zone)
        if found is None:
            raise die(f"zone {zone} don't exist")
        if found["type"] == "simple" and tag is not None:
            raise param_error(tag="vlan tag is not allowed on simple zone")
        if found["type"] == "vlan" and tag is None:
            raise param_error(tag="missing vlan tag")
        for other, vnet in self.vnets.config.items():
            if other != name and tag is not None and vnet["zone"] == zone and vnet.get("tag") == tag:
                raise param_error(tag=f"tag already exist in zone {zone} vnet {other}")

    async def _vnet_create(self, v, _user):
        if v["vnet"] in self.vnets.config:
            raise die(f"sdn vnet object ID '{v['vnet']}' already defined")
        self._check_tag(v["vnet"], v["zone"], v.get("tag"))
        self.vnets.config[v["vnet"]] = {key: v[key] for key in ("vnet", "zone", "alias", "tag") if v.get(key) is not None}
        self.vnets.config[v["vnet"]]["type"] = "vnet"

    def _vnet(self, name):
        if name not in self.vnets.config:
            raise die(f"sdn '{name}' does not exist")
        return self.vnets.config[name]

    async def _vnet_update(self, v, _user):
        vnet = self._vnet(v["vnet"])
        vnet.update({key: v[key] for key in ("zone", "alias", "tag") if v.get(key) is not None})

    async def _vnet_delete(self, v, _user):
        self._vnet(v["vnet"])
        del self.vnets.config[v["vnet"]]

    async def _sdn_apply(self, _v, user):
        async def body():
            await self.pause(1)

        self.zones.apply()
        self.vnets.apply()
        return await self.task(sorted(self.nodes)[0], "reloadnetworkall", "", user, body)

    # -- the network of a node --

    def _network(self, node):
        bridge = {"iface": "vmbr0", "type": "bridge", "autostart": 1, "method": "static", "cidr": "192.0.2.10/24",
                  "address": "192.0.2.10", "netmask": "24", "bridge_ports": "eno1", "active": 1, "exists": 1, "priority": 3}
        return self.networks.setdefault(node, Staged({"vmbr0": bridge}))

    def _routes_ranges_network(self):
        one = NETWORK + "/{iface}"
        return [("GET", NETWORK, self._interface_list), ("POST", NETWORK, self._interface_create),
                ("PUT", NETWORK, self._interfaces_apply), ("DELETE", NETWORK, self._interfaces_revert),
                ("GET", one, self._interface_show), ("PUT", one, self._interface_update),
                ("DELETE", one, self._interface_delete)]

    async def _interface_list(self, v, _user):
        return list(self._network(v["node"]).config.values())

    async def _interface_show(self, v, _user):
        return self._interface(v)

    def _interface(self, v):
        found = self._network(v["node"]).config.get(v["iface"])
        if found is None:
            raise param_error(iface="interface does not exist")
        return found

    @staticmethod
    def _options(v):
        fields = {key: value for key, value in v.items() if key not in ("node", "delete", "digest") and value is not None}
        if "comments" in fields:
            fields["comments"] = fields["comments"].rstrip("\n") + "\n"
        return fields

    async def _interface_create(self, v, _user):
        config = self._network(v["node"]).config
        if v["iface"] in config:
            raise param_error(iface="interface already exists")
        config[v["iface"]] = {"method": "manual", "priority": len(config) + 3, **self._options(v)}

    async def _interface_update(self, v, _user):
        self._interface(v).update(self._options(v))

    async def _interface_delete(self, v, _user):
        self._interface(v)
        del self._network(v["node"]).config[v["iface"]]

    async def _interfaces_apply(self, v, user):
        async def body():
            await self.pause(1)

        self._network(v["node"]).apply()
        return await self.task(v["node"], "srvreload", "networking", user, body)

    async def _interfaces_revert(self, v, _user):
        network = self._network(v["node"])
        network.config = {name: dict(value) for name, value in network.running.items()}

    def _changes(self, node):
        """The unified diff that Proxmox VE shows next to the list."""
        network, lines = self._network(node), []
        for name in sorted({*network.running, *network.config}):
            before, after = network.running.get(name), network.config.get(name)
            if before != after:
                lines += [f"-{line}" for line in stanza(before)] + [f"+{line}" for line in stanza(after)]
        if not lines:
            return None
        head = ["--- /etc/network/interfaces", "+++ /etc/network/interfaces.new", f"@@ -9,3 +9,{len(lines) + 3} @@", " "]
        return "\n".join([*head, *lines, " source /etc/network/interfaces.d/*", ""])

    def _stateful_handler(self, template, handler):
        serve = super()._stateful_handler(template, handler)
        if handler != self._interface_list:
            return serve

        async def with_changes(request):
            answer = json.loads((await serve(request)).text)
            changes = self._changes(request.match_info["node"])
            return web.json_response({**answer, **({"changes": changes} if changes else {})})

        return with_changes

    # -- machines --

    def _routes_ranges_resize(self):
        return [("PUT", "/nodes/{node}/qemu/{vmid}/resize", self._resize)]

    async def _resize(self, v, user):
        vm = self.find(v["node"], v["vmid"])
        self._check_lock(vm)
        if v["disk"] not in vm.config:
            raise die(f"disk '{v['disk']}' does not exist")
        volume, options = split_props(vm.config[v["disk"]])
        # A disk that was imported has no size in the configuration.
        size, wanted = in_bytes(options.get("size", "0")), in_bytes(v["size"].lstrip("+"))
        wanted += size if v["size"].startswith("+") else 0
        if wanted < size:
            raise die("shrinking disks is not supported")

        async def body():
            options["size"] = format_size(wanted)
            vm.config[v["disk"]] = ",".join([volume] + [f"{key}={options[key]}" for key in sorted(options)])

        return await self.task(vm.node, "resize", vm.vmid, user, body, vm=vm)

    async def _config_get(self, request):
        """With what is pending, unless only the current configuration is asked for."""
        vm = self._vm(request, "VM.Audit")
        answer = json.loads((await super()._config_get(request)).text)
        if request.query.get("current") != "1":
            for key, value in vm.pending.items():
                answer["data"].pop(key, None) if value is None else answer["data"].update({key: value})
        return web.json_response(answer)

    async def _apply_config(self, vm, user, p):
        new = dict(p)
        for key, value in p.items():
            if re.fullmatch(r"(ide|sata|scsi)\d+", key) and str(value).endswith(":cloudinit"):
                storage = value.split(":")[0]
                if storage not in self.storages:
                    raise PveError(500, f"storage '{storage}' does not exist")
                new[key] = f"{storage}:vm-{vm.vmid}-cloudinit,media=cdrom,size=4M"
        await super()._apply_config(vm, user, new)

    async def _agent_call(self, match, values):
        vm = self.find(values["node"], values["vmid"])
        if vm.agent is None and not {"1", "enabled=1"} & set(str(vm.config.get("agent", "0")).split(",")):
            raise PveError(500, "No QEMU guest agent configured")
        if vm.agent is None and vm.status == "running":
            # It takes a moment after each boot.
            if self.boots.get(vm.vmid) != vm.started_at:
                self.boots[vm.vmid] = vm.started_at
                raise PveError(500, "QEMU guest agent is not running")
            vm.agent = {"interfaces": interfaces(vm)}
            try:
                return await super()._agent_call(match, values)
            finally:
                vm.agent = None
        return await super()._agent_call(match, values)

    def add_template(self, vmid, name, node="pve1", storage="local-lvm"):
        """A template with a disk of 4 GiB that linked clones can be made of."""
        volume, _ = self._qm_alloc(storage, vmid, None, 4 << 30)
        config = {"memory": "512", "cores": 1, "scsi0": f"{volume},size=4G", "boot": "order=scsi0", "ostype": "l26",
                  "net0": "virtio=BC:24:11:00:00:02,bridge=vmbr0"}
        vm = self.add_vm(vmid, name, node=node, config=config, template=True)
        vm.config["template"] = 1
        vm.config["scsi0"] = f"{self._qm_rename_volume(volume)},size=4G"

    # -- faults --

    async def _answer(self, request, handler, generic, path_node):
        effect = self._fault(request)
        if effect == "refused":
            raise web_error(500, "the cluster refuses")
        if effect == "throttled":
            raise web_error(503, "too many requests")
        if effect == "cut_before":
            return self._cut(request)
        answer = await super()._answer(request, handler, generic, path_node)
        if effect == "cut_after":
            return self._cut(request)
        if effect == "silent":
            await asyncio.sleep(5)
        return answer

    def _fault(self, request):
        """The effect of the first fault that is due. Each fault counts the calls that it matches."""
        found = None
        for fault in self.faults:
            if not re.fullmatch(fault["method"], request.method) or not re.search(fault.get("path", ""), request.path):
                continue
            fault["seen"] = fault.get("seen", 0) + 1
            if found is None and fault.get("skip", 0) < fault["seen"] <= fault.get("skip", 0) + fault.get("times", 1):
                found = fault["effect"]
        return found

    @staticmethod
    def _cut(request):
        request.transport.close()
        raise ConnectionResetError("the connection is cut")


def web_error(status, message):
    body = json.dumps({"data": None, "message": message + "\n"})
    kinds = {500: web.HTTPInternalServerError, 503: web.HTTPServiceUnavailable}
    return kinds[status](text=body, content_type="application/json", reason=message)


def stanza(interface):
    if interface is None:
        return []
    name = interface["iface"]
    lines = [f"auto {name}", f"iface {name} inet {interface['method']}"]
    lines += [f"\taddress {interface['cidr']}"] if "cidr" in interface else []
    lines += [f"\tbridge-ports {interface.get('bridge_ports') or 'none'}", "\tbridge-stp off", "\tbridge-fd 0"]
    return lines + [f"#{line}" for line in interface.get("comments", "").splitlines()]


def in_bytes(size):
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", size)
    return int(float(found[1]) * SIZE_UNITS.get(found[2], 1))


def interfaces(vm):
    """What the agent of a guest reports: addresses as cloud-init set them, and some of DHCP."""
    found = [{"name": "lo", "hardware-address": "00:00:00:00:00:00",
              "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}]}]
    for key in sorted(key for key in vm.config if re.fullmatch(r"net\d+", key)):
        number = key[3:]
        mac = re.search(r"[0-9A-Fa-f:]{17}", vm.config[key])[0].lower()
        wanted = re.search(r"ip=([^,]+)", str(vm.config.get(f"ipconfig{number}", "")))
        address, _, prefix = (wanted[1] if wanted else "dhcp").partition("/")
        if address == "dhcp":
            address, prefix = f"192.0.2.{100 + vm.vmid % 100}", 24
        found.append({"name": f"eth{number}", "hardware-address": mac, "ip-addresses": [
            {"ip-address": address, "ip-address-type": "ipv4", "prefix": int(prefix)}]})
    return found
