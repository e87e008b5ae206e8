"""A Proxmox VE API for tests: the simulator `fakepve`, with a token and with faults on demand.

    python proxmox.py [--time-scale SECONDS]

Prints one line of JSON when it listens: `host` (of the API, over TLS), `control` (a URL), `user`, `token_id`,
`token_secret` (generated) and `certificate` (a file to trust it by). Ends when its standard input is closed, or by SIGTERM.

The simulator is licensed under the AGPL. It is a program that tests talk to and no part of the product: only this file
and proxmox_ranges.py, which adds what it lacks, know it, and nothing of the product imports them.

On the control address, JSON in and out:

    POST /fail      {"method", "path", "status", "message", "times"}  answers calls whose path ends so with an error
    POST /fail      {"method", "path", "error", "times"}              with one of Proxmox VE's own errors, by name
    POST /task      {"type": "qmstart", "exitstatus": text, "times"}  tasks do their work, and then end like this
    POST /task      {"type": "qmstart", "instead": text, "times"}     tasks do nothing and fail like this
    POST /lock      {"vmid", "lock": "backup", "seconds"}             locks a guest, and unlocks it by and by
    POST /hold      {"vmid", "seconds"}                               holds the lock file of a guest
    POST /fault     {"method", "path", "skip", "times", "effect"}     calls that match both patterns are `refused`, `throttled`,
                    `cut_before` or `cut_after` they are carried out, or carried out and `silent`; {} ends all faults
    POST /node      {"name", "template"}                              adds a template of this number, and its node if it is missing
    POST /grant     {"path", "privileges"}                            the token has only what is granted
    GET  /requests  every call: [method, path, body], secrets replaced
    GET  /api/...   the API itself, without TLS and with the token
"""

import argparse
import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading

from aiohttp import ClientSession, web
from fakepve import FakePve
from fakepve.certs import make_cert
from fakepve.model import TaskError
from proxmox_ranges import Ranges

USER, TOKEN_ID = "automation@pve", "range"


class Simulator(Ranges, FakePve):
    """The simulator, with tasks that end as a test wants it."""

    def __init__(self, **options):
        super().__init__(**options)
        self.ends = {}

    async def task(self, node, ttype, tid, user, body, **options):
        end = self.ends.get(ttype)
        if end and end["times"] > 0:
            end["times"] -= 1
            body = ended(body, end)
        return await super().task(node, ttype, tid, user, body, **options)


def ended(body, end):
    async def run():
        if "instead" not in end:
            await body()
        raise TaskError(end.get("instead") or end["exitstatus"])

    return run


def fill(pve):
    """The guests that every test finds."""
    nic = {"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}
    machine = {**nic, "memory": "512", "cores": 2, "sockets": 1, "scsi0": "local-lvm:vm-100-disk-0,size=4G"}
    pve.add_vm(100, "web-01", status="running", config={**machine, "ide2": "local:iso/debian.iso,media=cdrom,size=4M"})
    pve.add_vm(101, "db-01", config=dict(machine))
    pve.add_vm(9000, "tpl-debian", config={**machine, "ide2": "local-lvm:vm-9000-cloudinit,media=cdrom"}, template=True)
    pve.add_ct(200, "proxy-01", config={"net0": "name=eth0,bridge=vmbr0,ip=dhcp", "rootfs": "local-lvm:vm-200-disk-0,size=2G"})
    pve.store_file("local", "debian.iso", 1 << 20)
    pve.store_file("local", "debian-13-standard_13.1-1_amd64.tar.zst", 1 << 20, content="vztmpl")
    pve.storages["local"]["content"] = "iso,vztmpl,backup,import"


def control(pve):
    """The control address."""
    routes = web.RouteTableDef()

    @routes.post("/fail")
    async def _(request):
        fault = await request.json()
        pve.fail(fault.pop("method"), fault.pop("path"), **fault)
        return web.json_response({})

    @routes.post("/task")
    async def _(request):
        end = await request.json()
        pve.ends[end["type"]] = {"times": 1, **end}
        return web.json_response({})

    @routes.post("/lock")
    async def _(request):
        wanted = await request.json()
        guest = pve.guest(wanted["vmid"])
        guest.lock = wanted["lock"]
        asyncio.get_running_loop().call_later(wanted["seconds"], setattr, guest, "lock", None)
        return web.json_response({})

    @routes.post("/hold")
    async def _(request):
        wanted = await request.json()
        guest = pve.guest(wanted["vmid"])
        guest.lock_holder = "a test"
        asyncio.get_running_loop().call_later(wanted["seconds"], pve.release, guest, "a test")
        return web.json_response({})

    @routes.post("/fault")
    async def _(request):
        fault = await request.json()
        pve.faults = [*pve.faults, fault] if fault else []
        return web.json_response({})

    @routes.post("/node")
    async def _(request):
        wanted = await request.json()
        pve.nodes.setdefault(wanted["name"], {"online": True})
        pve.add_template(wanted["template"], "debian-12", node=wanted["name"])
        return web.json_response({})

    @routes.post("/grant")
    async def _(request):
        wanted = await request.json()
        pve.grant(f"{USER}!{TOKEN_ID}", wanted["path"], *wanted["privileges"])
        return web.json_response({})

    @routes.get("/requests")
    async def _(_request):
        calls = [[method, path, body.decode() if isinstance(body, bytes) else body] for method, path, body in pve.requests]
        return web.json_response(calls)

    @routes.get("/api/{path:.*}")
    async def _(request):
        tail = request.path_qs.removeprefix("/api")
        headers = {"Authorization": f"PVEAPIToken={USER}!{TOKEN_ID}={pve.apitokens[f'{USER}!{TOKEN_ID}']}"}
        async with ClientSession() as session:
            async with session.get(f"https://{pve.host}:{pve.port}/api2/json{tail}", headers=headers, ssl=False) as answer:
                return web.json_response(await answer.json(), status=answer.status)

    app = web.Application()
    app.add_routes(routes)
    return app


async def end():
    """Waits until standard input is closed, or for SIGTERM."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)

    def read():
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=read, daemon=True).start()
    await ended.wait()


async def serve(time_scale):
    pve = Simulator(host="127.0.0.1", port=0)
    # Random: the default of the simulator is public.
    pve.password = secrets.token_hex(16)
    secret = secrets.token_hex(16)
    pve.apitokens[f"{USER}!{TOKEN_ID}"] = secret
    pve.time_scale = time_scale
    fill(pve)
    folder = tempfile.mkdtemp(prefix="fakepve-")
    try:
        certificate, key, _ = make_cert(folder)
        await pve.start(certificate, key)
        os.unlink(key)
        runner = web.AppRunner(control(pve))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(json.dumps({
            "host": f"127.0.0.1:{pve.port}",
            "control": f"http://127.0.0.1:{runner.addresses[0][1]}",
            "user": USER, "token_id": TOKEN_ID, "token_secret": secret, "certificate": certificate,
        }), flush=True)
        await end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time-scale", type=float, default=0.01, help="real seconds per second of the simulator")
    asyncio.run(serve(parser.parse_args().time_scale))
