"""Replies per second over 8 connections that are kept, beside actix-web alone with the same reply and the same load."""

import json
import pathlib
import shutil
import subprocess
import tempfile

from bench import machine
from bench.rounds import interleaved, summary
from bench.site import ROOT

PROGRAMS = ROOT / "target/release"
CONNECTIONS = 8
# `as_json` of a list is a boolean: one field is wrong.
LIST = "/v0/admin/proxmox/vms/list"
START = "/v0/admin/proxmox/vms/vm_id/start"
WRONG = '{"proxmox_node":"pve01","as_json":"perhaps"}'
GZIP = "accept-encoding: gzip"


class Request:
    """What is sent, and the status that must come back."""

    def __init__(self, method, path, status, body="", header=""):
        self.method, self.path, self.status, self.body, self.header = method, path, status, body, header

    def options(self):
        words = ["--method", self.method, "--path", self.path]
        words += ["--body", self.body] if self.body else []
        return words + (["--header", self.header] if self.header else [])


LINES = {
    "openapi": Request("GET", "/docs/openapi.json", 200, header=GZIP),
    "openapi_plain": Request("GET", "/docs/openapi.json", 200),
    "refused": Request("POST", LIST, 422, body=WRONG),
    "refused_audited": Request("POST", START, 422, body=WRONG),
}


def lines(site, options, names=tuple(LINES)):
    """A line for each request."""
    found = {}
    with site.serve("web") as service:
        for name in names:
            found[name] = line(site, options, service.address, LINES[name])
    return found


def line(site, options, address, request):
    """Our replies and those of actix-web alone, in turns."""
    seconds = options.seconds(3)
    with tempfile.NamedTemporaryFile(dir=site.scratch) as file:
        headers = fetch(address, request, pathlib.Path(file.name))
        words = [PROGRAMS / "bare_web", str(request.status), file.name, *headers]
        peer = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        machine.OWN.add(peer.pid)
        try:
            bare = peer.stdout.readline().strip().removeprefix("listening on http://")
            values = interleaved({
                "own": lambda: load(address, request, seconds),
                "bare": lambda: load(bare, request, seconds),
            }, options.rounds(5))
        finally:
            peer.kill()
            peer.communicate()
            machine.OWN.discard(peer.pid)
        size = pathlib.Path(file.name).stat().st_size
    own = [value["per_second"] for value in values["own"]]
    result = {**summary(own), "peer": summary([value["per_second"] for value in values["bare"]]), "unit": "/s"}
    result["reply_bytes"] = size
    result["p99_us"] = max(value["p99_us"] for value in values["own"])
    if shutil.which("wrk"):
        result["wrk"] = wrk(address, request, seconds, site.scratch)
    return result


def fetch(address, request, file):
    """Keeps the body of one reply in the file; returns the headers that belong to it."""
    import http.client
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port))
    headers = dict([request.header.split(": ")]) if request.header else {}
    if request.body:
        headers["content-type"] = "application/json"
    connection.request(request.method, request.path, request.body or None, headers)
    reply = connection.getresponse()
    file.write_bytes(reply.read())
    if reply.status != request.status:
        raise SystemExit(f"{request.method} {request.path} gave {reply.status}: {file.read_text()[:500]}")
    kept = ("content-type", "content-encoding", "etag", "cache-control")
    return [f"{name}: {value}" for name, value in reply.getheaders() if name.lower() in kept]


def load(address, request, seconds, connections=CONNECTIONS):
    """Replies per second, from our own client; every reply must have the right status."""
    words = [PROGRAMS / "load", address, "--connections", str(connections), "--seconds", str(seconds)]
    done = subprocess.run([*words, *request.options()], capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    if set(report["status"]) != {str(request.status)}:
        raise SystemExit(f"{request.method} {request.path} gave {report['status']}")
    return report


def wrk(address, request, seconds, scratch):
    """The same from `wrk`, as a check of our own client."""
    script = pathlib.Path(scratch) / "request.lua"
    text = f'wrk.method = "{request.method}"\n'
    if request.header:
        name, value = request.header.split(": ")
        text += f'wrk.headers["{name}"] = "{value}"\n'
    if request.body:
        text += f"wrk.body = {json.dumps(request.body)}\nwrk.headers[\"content-type\"] = \"application/json\"\n"
    script.write_text(text)
    done = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", script,
                           f"http://{address}{request.path}"], capture_output=True, text=True, check=True)
    rate = next(line for line in done.stdout.splitlines() if line.startswith("Requests/sec"))
    return float(rate.split()[1])
