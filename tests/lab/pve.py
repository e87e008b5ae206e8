#!/usr/bin/env python3
"""A fake Proxmox VE API for tests: HTTPS on 127.0.0.1, its state in memory.

    pve.py [--port 0] [--certificate FILE] [--while-stdin-is-open]

One line says that it is ready: `pve ready https://127.0.0.1:PORT`. The certificate is its own and new at every
start; --certificate writes it to a file, for clients that check it. With --while-stdin-is-open it ends when
the process that started it exits.

The API answers below /api2/json to any `Authorization: PVEAPIToken=...`. What changes something is done at once
and answered with the id of a task, which has ended well when it is asked for. Nodes have any name: all show the
same machines. Texts of errors are Proxmox's, in the reason of the status line too, where Proxmox puts them.

Tests drive it over the same port, by HTTPS or by plain HTTP:

    POST   /__reset        back to the beginning: state, faults, log
    POST   /__vm/ID        {"status": "stopped", ...}  changes a virtual machine, or adds it
    DELETE /__vm/ID        takes it away
    POST   /__lxc/ID       the same for a container, and DELETE
    POST   /__snapshot/ID  {"name": "S1", "description": "text"}
    POST   /__alias/ID     {"name": "a", "cidr": "10.0.0.0/8"}
    POST   /__rule/ID      {"action": "ACCEPT", "type": "in", ...}
    POST   /__fail         {"code": 503, "path": "regex", "times": 2, "message": "text"}: API calls fail, the
                           first two or all; {"code": null} ends that
    POST   /__task         {"exitstatus": "text", "path": "regex", "times": 2, "polls": 3}: tasks end so, after
                           they were seen running that often; {} ends that
    GET    /__log          the API calls since the beginning or the last DELETE
    DELETE /__log          forgets them

/__note takes anything and is logged as a call of the API: playbooks of tests leave a trace there.
"""
import argparse
import json
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from pve_state import Proxmox, Refusal, applies


class Call(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        url = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        proxmox = self.server.proxmox
        try:
            with proxmox.lock:
                status, reason, body = 200, None, json.dumps(self.value(proxmox, url, raw)).encode()
        except Refusal as refusal:
            status, reason = refusal.code, " ".join(str(refusal).split())
            body = json.dumps({"data": None, "message": str(refusal)}).encode()
        self.send_response(status, reason)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def value(self, proxmox, url, raw):
        fields = fields_of(raw)
        if url.path.startswith("/__") and url.path != "/__note":
            return proxmox.control(self.command, url.path, fields)
        authorization = self.headers.get("Authorization", "")
        proxmox.log.append({"method": self.command, "path": self.path, "body": raw, "authorization": authorization,
                            "user_agent": self.headers.get("User-Agent")})
        if not isinstance(self.request, ssl.SSLSocket):
            raise Refusal(400, "the API is spoken over TLS")
        if url.path == "/__note":
            return {"data": None}
        if proxmox.fault.get("code") and applies(proxmox.fault, url.path):
            raise Refusal(proxmox.fault["code"], proxmox.fault.get("message", "forced failure"))
        if not authorization.startswith("PVEAPIToken="):
            raise Refusal(401, "No ticket")
        return {"data": proxmox.answer(self.command, url.path, dict(parse_qsl(url.query)) | fields)}


def fields_of(raw):
    """Proxmox takes forms and JSON."""
    try:
        return json.loads(raw) if raw.startswith("{") else dict(parse_qsl(raw))
    except ValueError:
        raise Refusal(400, "the body is no JSON") from None


class Server(ThreadingHTTPServer):
    """TLS and plain HTTP on one port: a client that speaks TLS begins with the byte 0x16."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, context):
        super().__init__(("127.0.0.1", port), Call)
        self.proxmox, self.context = Proxmox(), context

    def finish_request(self, request, client_address):
        request.settimeout(60)
        try:
            if request.recv(1, socket.MSG_PEEK) == b"\x16":
                request = self.context.wrap_socket(request, server_side=True)
            self.RequestHandlerClass(request, client_address, self)
            request.close()
        except OSError:
            pass  # the client left


def tls(copy_to):
    """A context with a key and a certificate of its own."""
    folder = Path(tempfile.mkdtemp(prefix="pve-"))
    try:
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "30", "-keyout", key, "-out", certificate, "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
            check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if copy_to:
            shutil.copyfile(certificate, copy_to)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
    finally:
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--while-stdin-is-open", action="store_true")
    arguments = parser.parse_args()
    server = Server(arguments.port, tls(arguments.certificate))
    print(f"pve ready https://127.0.0.1:{server.server_port}", flush=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    if arguments.while_stdin_is_open:
        sys.stdin.buffer.read()
    else:
        thread.join()


if __name__ == "__main__":
    main()
