"""Reads a Proxmox VE with `proxmoxer`, an independent client, or changes something with it.

    python proxmoxer_run.py PLACE COMMAND [ARGUMENT...]

`PLACE` is what proxmox.py prints. Prints JSON.

    state MARK          machines and networks whose tag or alias begins with this mark, with the configuration of each
    call METHOD PATH    a call, with parameters as JSON from standard input
"""

import json
import sys
import warnings

from proxmoxer import ProxmoxAPI


def connect(place):
    warnings.simplefilter("ignore")
    host, port = place["host"].split(":")
    return ProxmoxAPI(host, port=int(port), user=place["user"], token_name=place["token_id"],
                      token_value=place["token_secret"], verify_ssl=False)


def state(api, mark):
    machines = {}
    for found in api.cluster.resources.get(type="vm"):
        if mark in found.get("tags", "").split(";"):
            one = api.nodes(found["node"]).qemu(found["vmid"])
            machines[found["name"]] = {"node": found["node"], "vmid": found["vmid"], "status": found["status"],
                                       "config": one.config.get(current=1),
                                       "snapshots": [taken["name"] for taken in one.snapshot.get() if taken["name"] != "current"]}
    alias = mark.replace(".", "/")
    networks = {vnet["vnet"]: vnet for vnet in api.cluster.sdn.vnets.get(running=1)
                if vnet.get("alias", "").split(" ")[0] == alias}
    bridges = {one["iface"]: one for node in api.nodes.get() for one in api.nodes(node["node"]).network.get()
               if one.get("comments", "").split(" ")[0] == alias}
    return {"machines": machines, "vnets": networks, "bridges": bridges}


def main():
    api = connect(json.loads(sys.argv[1]))
    if sys.argv[2] == "state":
        print(json.dumps(state(api, sys.argv[3])))
    else:
        parameters = json.loads(sys.stdin.read() or "{}")
        print(json.dumps(getattr(api(sys.argv[4]), sys.argv[3].lower())(**parameters)))


if __name__ == "__main__":
    main()
