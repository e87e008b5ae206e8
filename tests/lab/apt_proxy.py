#!/usr/bin/env python3
"""The only way out for a guest of tests/lab/guest.sh: an HTTP proxy to package mirrors, and to nothing else.

    apt_proxy.py ADDRESS CLIENT HOST[,HOST...] [UPSTREAM [NAMESPACE]]

Listens on a free port of ADDRESS and prints it. Serves CLIENT's address only, and only for the named hosts. UPSTREAM,
`http://host:port`, is the proxy that this machine itself goes through. With NAMESPACE, the file of a network namespace, it
listens there. One request per connection: apt asks again.
Python's own modules only.
"""

import base64
import ctypes
import http.client
import http.server
import os
import select
import socket
import sys
import urllib.parse

# Seconds without a byte; mirrors are slow at times.
WAIT_LIMIT = 120
CHUNK = 1 << 16
# What concerns one connection only (RFC 9110, 7.6.1), and what the server class itself writes.
NOT_PASSED_ON = {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer", "upgrade",
                 "transfer-encoding", "server", "date"}

ADDRESS, CLIENT, HOSTS = sys.argv[1], sys.argv[2], set(sys.argv[3].lower().split(","))
UPSTREAM = urllib.parse.urlsplit(sys.argv[4]) if len(sys.argv) > 4 and sys.argv[4] else None


def upstream_headers():
    """The upstream proxy's password, if its address holds one."""
    if not UPSTREAM.username:
        return {}
    login = f"{urllib.parse.unquote(UPSTREAM.username)}:{urllib.parse.unquote(UPSTREAM.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(login.encode()).decode()}


class Proxy(http.server.BaseHTTPRequestHandler):
    timeout = WAIT_LIMIT

    def do_GET(self):
        target = urllib.parse.urlsplit(self.path)
        if target.scheme != "http" or not self.is_allowed(target.hostname):
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_PASSED_ON}
        if UPSTREAM:
            server = http.client.HTTPConnection(UPSTREAM.hostname, UPSTREAM.port or 8080, timeout=WAIT_LIMIT)
            path, headers = self.path, headers | upstream_headers()
        else:
            server = http.client.HTTPConnection(target.hostname, target.port or 80, timeout=WAIT_LIMIT)
            path = urllib.parse.urlunsplit(("", "", target.path or "/", target.query, ""))
        try:
            server.request(self.command, path, headers=headers)
            reply = server.getresponse()
        except OSError as error:
            self.send_error(502, explain=str(error))
            return
        with reply:
            self.send_response(reply.status, reply.reason)
            for name, value in reply.getheaders():
                if name.lower() not in NOT_PASSED_ON:
                    self.send_header(name, value)
            self.end_headers()
            while chunk := reply.read(CHUNK):
                self.wfile.write(chunk)

    do_HEAD = do_GET

    def do_CONNECT(self):
        target = urllib.parse.urlsplit("//" + self.path)
        if not self.is_allowed(target.hostname):
            return
        try:
            server = self.tunnel(target.hostname, target.port or 443)
        except OSError as error:
            self.send_error(502, explain=str(error))
            return
        with server:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: server, server: self.connection}
            while readable := select.select(list(ends), [], [], WAIT_LIMIT)[0]:
                for end in readable:
                    data = end.recv(CHUNK)
                    if not data:
                        return
                    ends[end].sendall(data)

    def tunnel(self, host, port):
        if not UPSTREAM:
            return socket.create_connection((host, port), WAIT_LIMIT)
        proxy = http.client.HTTPConnection(UPSTREAM.hostname, UPSTREAM.port or 8080, timeout=WAIT_LIMIT)
        proxy.set_tunnel(host, port, upstream_headers())
        proxy.connect()
        return proxy.sock

    def is_allowed(self, host):
        if self.client_address[0] == CLIENT and host and host.lower() in HOSTS:
            return True
        self.send_error(403)
        return False

    def log_message(self, format, *arguments):
        print(format % arguments, file=sys.stderr, flush=True)


def enter(namespace):
    """Moves this process to a network namespace. A socket stays in the one in which it was made."""
    descriptor = os.open(namespace, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0) != 0:
        raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    os.close(descriptor)


def listen():
    server = http.server.ThreadingHTTPServer((ADDRESS, 0), Proxy)
    server.daemon_threads = True
    return server


if len(sys.argv) > 5:
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    enter(sys.argv[5])
    server = listen()
    enter(f"/proc/self/fd/{own}")
else:
    server = listen()
print(server.server_address[1], flush=True)
server.serve_forever()
