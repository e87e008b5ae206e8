"""Shapes what goes to and comes from the Proxmox VE API. Plain functions, nothing of Ansible is imported.

Where a value may be left out, null means the same, and gives null.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse


def given(values):
    """A mapping without its null values."""
    return {name: value for name, value in values.items() if value is not None}


def row(item, fields, fixed=None, keep_missing=True):
    """An object of the API under our names.

    `fields` maps our name to the API's, to [the API's, default], or to a mapping of the same kind for an object within.
    What is missing is null, or left out unless `keep_missing`.
    """
    found = dict(fixed or {})
    for name, source in fields.items():
        if isinstance(source, dict):
            found[name] = row(item, source, None, keep_missing)
            continue
        source, default = (source, None) if isinstance(source, str) else source
        value = item.get(source)
        value = default if value is None else value
        if value is not None or keep_missing:
            found[name] = value
    return found


def rows(items, fields, fixed=None, keep_missing=True):
    """The same for a list of objects."""
    return [row(item, fields, fixed, keep_missing) for item in items or []]


def options(values):
    """`a=1,b=2`, as Proxmox VE writes the options of a device. Null ones are left out, booleans become 1 and 0."""
    return ",".join(
        f"{name}={int(value) if isinstance(value, bool) else value}" for name, value in given(values).items()
    )


def nics(config, fixed=None):
    """The network devices in a virtual machine's configuration, by number."""
    found = []
    devices = [name for name in config if re.fullmatch(r"net[0-9]+", name)]
    for device in sorted(devices, key=lambda name: int(name[3:])):
        parts = [part.partition("=")[::2] for part in str(config[device]).split(",")]
        named = dict(parts)
        # `virtio=MAC` or `model=virtio,macaddr=MAC`: Proxmox VE stores the first, and takes both.
        model, mac = (named.get("model"), named.get("macaddr")) if "model" in named else parts[0]
        nic = {
            "vm_network_device": device,
            "vm_network_type": model,
            "vm_network_mac": mac or None,
            "vm_network_bridge": named.get("bridge"),
        }
        if "firewall" in named:
            nic["vm_network_firewall"] = named["firewall"]
        found.append({**(fixed or {}), **nic})
    return found


def cdrom(config):
    """The CD-ROM drive of a virtual machine: the last one, when there are several; nulls when there is none."""
    found = {"vm_cdrom_device": None, "vm_cdrom_iso": None, "vm_cdrom_media": None, "vm_cdrom_size": None}
    for device, value in config.items():
        if not re.fullmatch(r"(ide|sata|scsi|virtio)[0-9]+", device):
            continue
        parts = str(value).split(",")
        named = dict(part.partition("=")[::2] for part in parts[1:])
        if named.get("media") == "cdrom":
            found = {
                "vm_cdrom_device": device,
                "vm_cdrom_iso": parts[0],
                "vm_cdrom_media": "cdrom",
                "vm_cdrom_size": named.get("size"),
            }
    return found


def ipconfig(address, netmask=None, gateway=None):
    """`ip=192.0.2.5/24,gw=192.0.2.1`: cloud-init's address of a network device. The mask may be `24`, `/24` or dotted."""
    if address is None:
        return None
    if str(address) in ("", "dhcp"):
        return "ip=dhcp"
    address = str(address)
    if "/" not in address:
        mask = str(24 if netmask in (None, "") else netmask).lstrip("/")
        address += f"/{ipaddress.ip_network('0.0.0.0/' + mask).prefixlen if '.' in mask else int(mask)}"
    return options({"ip": str(ipaddress.ip_interface(address)), "gw": gateway or None})


def ssh_keys(keys):
    """Public keys as Proxmox VE wants them in `sshkeys`: percent-encoded, no empty lines, no end of line after the last."""
    if keys is None:
        return None
    if not isinstance(keys, str):
        keys = "\n".join(str(key) for key in keys)
    lines = [line.strip() for line in keys.splitlines()]
    return urllib.parse.quote("\n".join(line for line in lines if line), safe="")


def separated(values, separator=","):
    """A text as it is, a list joined."""
    return values if values is None or isinstance(values, str) else separator.join(str(value) for value in values)


def color_map(colors):
    """The colours of tags: `color-map=TAG:RRGGBB;...` from a mapping, from such a list, or as it is."""
    if isinstance(colors, dict):
        colors = ";".join(f"{tag}:{str(color).lstrip('#')}" for tag, color in colors.items())
    return colors if "=" in colors else "color-map=" + colors


def same_rule(rule, wanted):
    """Whether a firewall rule says what another says."""
    names = ("type", "action", "proto", "dport", "sport", "source", "dest", "iface")
    return all(str(rule.get(name) or "") == str(wanted.get(name) or "") for name in names)


def missing_rules(wanted, rules):
    """The wanted rules from the first on that no enabled rule equals.

    Each is put above those before it, so what follows a missing one has to be put above it again.
    """
    there = [rule for rule in rules or [] if int(rule.get("enable") or 0)]
    for number, one in enumerate(wanted):
        if not any(same_rule(rule, one) for rule in there):
            return wanted[number:]
    return []


class FilterModule:
    """What Ansible finds here."""

    def filters(self):
        return {
            "proxmox_given": given,
            "proxmox_row": row,
            "proxmox_rows": rows,
            "proxmox_options": options,
            "proxmox_nics": nics,
            "proxmox_cdrom": cdrom,
            "proxmox_ipconfig": ipconfig,
            "proxmox_ssh_keys": ssh_keys,
            "proxmox_separated": separated,
            "proxmox_color_map": color_map,
            "proxmox_missing_rules": missing_rules,
        }
