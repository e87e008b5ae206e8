#!/usr/bin/python
"""One call to the Proxmox VE API that ends when what it started has ended.

A changing call of Proxmox VE often answers with the id of a task (a UPID) and goes on working. This module waits for
that task, reports how it really ended, and repeats a call that another one's lock kept from beginning. It needs nothing
but Python's standard library.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import re
import socket
import ssl
import time
import urllib.parse
import urllib.request

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: proxmox_api
short_description: Calls the Proxmox VE API and waits for the task that the call starts
description:
  - Sends one request to C(https://HOST/api2/json/...) with an API token.
  - When the answer is the id of a task, waits until that task has stopped. C(OK) and C(WARNINGS: n) are success,
    everything else is a failure, with the task's exit status and the end of its log.
  - Repeats a call that failed because of a lock of another call, for a limited time.
  - In check mode only reads are sent.
options:
  host:
    description: Address of the API as in a URL, with its port, such as C(192.0.2.10:8006).
    type: str
    required: true
  user:
    description: Owner of the token, such as C(automation@pve).
    type: str
    required: true
  token_id:
    description: Name of the token, without the user.
    type: str
    required: true
  token_secret:
    description: The token's secret. It is never printed.
    type: str
    required: true
  validate_certs:
    description:
      - Whether the certificate is checked.
      - When not given it is, except on a loopback address (127.0.0.0/8, ::1, localhost), where the connection does not
        leave this machine.
    type: bool
  ca_path:
    description: A file or directory of certificates to trust instead of the system's.
    type: path
  method:
    description: What to do. C(GET) changes nothing, all others count as a change.
    type: str
    choices: [GET, POST, PUT, DELETE]
    default: GET
  path:
    description: The path below C(/api2/json), one element per segment. Each is percent-encoded, so it cannot climb.
    type: list
    elements: str
    required: true
  parameters:
    description: Parameters. Null ones are left out, booleans become 1 and 0. In the query of GET and DELETE.
    type: dict
    default: {}
  secret_parameters:
    description: The same for values that must never be printed.
    type: dict
    default: {}
  read:
    description: A path to read when the call, and its task, have ended well; the answer is returned as C(read).
    type: list
    elements: str
  done_when:
    description:
      - A regular expression. A failure whose message matches means that nothing was left to do, for example
        C(already running); it counts as success without a change.
    type: str
  missing_when:
    description: A regular expression. A failure whose message matches is reported as C(missing), and is none.
    type: str
  wait_s:
    description: How many seconds the task may take. After that the module fails; the task goes on.
    type: int
    default: 600
  lock_wait_s:
    description: For how many seconds a call is repeated that a lock stands in the way of. 0 never repeats.
    type: int
    default: 60
  timeout_s:
    description: How many seconds one answer may take.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Start a virtual machine and read its state
  proxmox_api:
    host: 192.0.2.10:8006
    user: automation@pve
    token_id: range
    token_secret: "{{ vault_proxmox_token_secret }}"
    method: POST
    path: [nodes, pve1, qemu, "100", status, start]
    read: [nodes, pve1, qemu, "100", status, current]
    done_when: already running
"""

RETURN = r"""
data:
  description: What the call answered; the id of the task if it started one.
  type: raw
  returned: always
read:
  description: What the path in I(read) answered.
  type: raw
  returned: always
task:
  description: The task, with C(upid), C(exitstatus) (null when it could not be watched) and the end of its C(log).
  type: dict
  returned: when the call started a task
missing:
  description: Whether I(missing_when) matched.
  type: bool
  returned: always
attempts:
  description: How often the call was sent.
  type: int
  returned: always
"""

UPID = re.compile(r"UPID:([^:/\s]+):[0-9A-Fa-f]{8}:[0-9A-Fa-f]{8,9}:[0-9A-Fa-f]{8}:[^:\s]+:[^:\s]*:[^:\s]+:$")

# The call had no effect: another one holds the lock. "suspended" is no such lock, it stays until the guest is started.
LOCKED = re.compile(
    r"can't lock file|(?:VM|CT) is locked \((?!suspended\))|got lock request timeout|trying to acquire (?:lock|cfs lock)"
)

# A path that this server does not know. For a fresh task Proxmox VE itself never says so.
UNKNOWN_PATH = (404, 501)

# Failures of the way to the API, not of the request: while waiting for a task they are waited out. 595 to 599 are
# those of Proxmox VE's own proxy between the nodes.
PASSING = (502, 503, 504, 595, 596, 597, 598, 599)

# How many polls in a row may fail before the module gives up on a task.
POLLS_LOST = 20

# Pauses in seconds between polls of a task, and between attempts at a locked call; the last one is kept.
POLL_PAUSES = (0.1, 0.2, 0.3, 0.5, 0.5, 1.0, 1.0, 2.0)
LOCK_PAUSES = (0.5, 1.0, 2.0, 3.0, 5.0)

LOG_LINES = 8

# Parts of a configuration that are never shown. Proxmox VE itself answers stars for them.
SECRET_PARTS = ("cipassword", "password")


class ApiError(Exception):
    """An answer that is a failure, or none at all (status 0)."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


def is_loopback(host):
    """Whether connections to `host` cannot leave this machine."""
    name = urllib.parse.urlsplit("//" + host).hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def trust(host, validate_certs, ca_path):
    """The TLS settings for a host."""
    if validate_certs is None:
        validate_certs = not is_loopback(host)
    if not validate_certs:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = ssl.create_default_context()
    if ca_path:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=ca_path)
        except IsADirectoryError:
            context.load_verify_locations(capath=ca_path)
    return context


def encoded_path(segments):
    """The path below the API; no segment can be more, or less, than one."""
    for segment in segments:
        if segment in ("", ".", ".."):
            raise ApiError(0, f"`{segment}` cannot be a part of the path {'/'.join(segments)}")
    return "/api2/json/" + "/".join(urllib.parse.quote(segment, safe="") for segment in segments)


def encoded(parameters):
    """Parameters as a form."""
    pairs = []
    for name, value in parameters.items():
        if value is None:
            continue
        if isinstance(value, bool):
            value = int(value)
        pairs.append((name, str(value)))
    return urllib.parse.urlencode(pairs)


class Api:
    """A connection to the API, kept open between calls."""

    def __init__(self, host, headers, context, timeout_s):
        self.host, self.headers, self.context, self.timeout_s = host, headers, context, timeout_s
        self.connection = None

    def connect(self):
        proxy = urllib.request.getproxies().get("https")
        name = urllib.parse.urlsplit("//" + self.host).hostname or ""
        if not proxy or is_loopback(self.host) or urllib.request.proxy_bypass(name):
            return http.client.HTTPSConnection(self.host, timeout=self.timeout_s, context=self.context)
        # A proxy sees where to, nothing else: TLS begins behind it.
        proxy = urllib.parse.urlsplit(proxy if "//" in proxy else "//" + proxy)
        connection = http.client.HTTPSConnection(
            proxy.hostname, proxy.port or 8080, timeout=self.timeout_s, context=self.context
        )
        headers = {}
        if proxy.username:
            login = f"{urllib.parse.unquote(proxy.username)}:{urllib.parse.unquote(proxy.password or '')}"
            headers["Proxy-Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        connection.set_tunnel(self.host, headers=headers)
        return connection

    def call(self, method, segments, parameters=None):
        """The `data` of the answer; ApiError for every failure."""
        path, form, body = encoded_path(segments), encoded(parameters or {}), None
        headers = dict(self.headers)
        # Proxmox VE refuses a body with GET and DELETE, and chunked bodies always.
        if method in ("GET", "DELETE"):
            path += "?" + form if form else ""
        else:
            body = form.encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        # A kept connection may have been closed meanwhile; a read may simply be sent again.
        fresh = self.connection is None
        try:
            return self.exchange(method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            if fresh or method != "GET":
                raise self.lost(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise self.lost(error) from error
        try:
            return self.exchange(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise self.lost(error) from error

    def exchange(self, method, path, body, headers):
        if self.connection is None:
            self.connection = self.connect()
        try:
            self.connection.request(method, path, body=body, headers=headers)
            response = self.connection.getresponse()
            text = response.read()
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        return answer(response.status, response.reason, text)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def lost(self, error):
        if isinstance(error, ssl.SSLCertVerificationError):
            return ApiError(
                0,
                f"the certificate of {self.host} is not trusted: {error.verify_message}; "
                "name its authority in `proxmox_api_ca_path`",
            )
        reason = "no answer in time" if isinstance(error, (socket.timeout, TimeoutError)) else str(error)
        return ApiError(0, f"no connection to the Proxmox API at {self.host}: {reason or type(error).__name__}")


def answer(status, reason, text):
    """The `data` of an answer, or what went wrong in Proxmox VE's own words.

    Those stand in `errors` (per parameter), in `message` (since 2025), or only in the status line.
    """
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if 200 <= status < 300:
        if not isinstance(content, dict):
            raise ApiError(status, "the answer is not JSON: is this the address of a Proxmox API?")
        data = content.get("data")
        if isinstance(data, dict):
            data.update((name, "***") for name in SECRET_PARTS if name in data)
        return data
    content = content if isinstance(content, dict) else {}
    message = str(content.get("message") or reason or "no reason given").strip()
    errors = content.get("errors")
    if isinstance(errors, dict) and errors:
        message += " " + "; ".join(f"{name}: {str(why).strip()}" for name, why in sorted(errors.items()))
    raise ApiError(status, f"{message} (HTTP {status})")


def pause(pauses, turn, deadline):
    time.sleep(max(0.0, min(pauses[min(turn, len(pauses) - 1)], deadline - time.monotonic())))


class Task:
    """Work that goes on behind a call."""

    def __init__(self, api, upid):
        self.api, self.upid = api, upid
        self.path = ["nodes", UPID.match(upid)[1], "tasks", upid]

    def outcome(self, wait_s):
        """How it ended; None when this server does not show tasks."""
        deadline, lost, turn = time.monotonic() + wait_s, 0, 0
        while True:
            try:
                state = self.api.call("GET", self.path + ["status"]) or {}
                lost = 0
            except ApiError as error:
                if error.status in UNKNOWN_PATH:
                    return None
                lost += 1
                if lost > POLLS_LOST or error.status not in (0,) + PASSING:
                    raise ApiError(
                        error.status, f"the task {self.upid} was started, but its end is not known: {error.message}"
                    ) from error
                state = {}
            if state.get("status") == "stopped":
                return str(state.get("exitstatus") or "unexpected status")
            if time.monotonic() >= deadline:
                raise ApiError(0, f"the task {self.upid} still runs after {wait_s} s")
            pause(POLL_PAUSES, turn, deadline)
            turn += 1

    def log(self):
        """The last lines of its log; none when they cannot be had."""
        try:
            lines = self.api.call("GET", self.path + ["log"], {"limit": 500}) or []
        except ApiError:
            return []
        lines = [str(line.get("t", "")) for line in lines if isinstance(line, dict)]
        return [line for line in lines if line][-LOG_LINES:]


def succeeded(outcome):
    return outcome is None or outcome == "OK" or outcome.startswith("WARNINGS")


def attempt(module, api):
    """Sends the call once and waits; gives the answer's data and the task, if there is one."""
    parameters = module.params
    values = {**parameters["parameters"], **parameters["secret_parameters"]}
    data = api.call(parameters["method"], parameters["path"], values)
    if parameters["method"] == "GET" or not isinstance(data, str) or not UPID.match(data):
        return data, None
    task = Task(api, data)
    outcome = task.outcome(parameters["wait_s"])
    report = {"upid": data, "exitstatus": outcome, "log": []}
    if outcome is None:
        module.warn(f"this server does not show tasks, so the end of {data} is not known")
    elif outcome != "OK":
        report["log"] = task.log()
    if not succeeded(outcome):
        error = ApiError(0, f"the task failed: {outcome}")
        error.task = report
        raise error
    if outcome and outcome != "OK":
        module.warn(f"the task {data} ended with {outcome}: {' | '.join(report['log'])}")
    return data, report


def perform(module, api, result):
    """The call, repeated while a lock stands in its way."""
    deadline = time.monotonic() + module.params["lock_wait_s"]
    while True:
        result["attempts"] += 1
        try:
            result["data"], task = attempt(module, api)
        except ApiError as error:
            expected = module.params["done_when"], module.params["missing_when"]
            if expected[0] and re.search(expected[0], error.message):
                return
            if expected[1] and re.search(expected[1], error.message):
                result["missing"] = True
                return
            if not LOCKED.search(error.message) or time.monotonic() >= deadline:
                raise
            pause(LOCK_PAUSES, result["attempts"] - 1, deadline)
            continue
        if task:
            result["task"] = task
        result["changed"] = module.params["method"] != "GET"
        return


def main():
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "token_id": {"type": "str", "required": True, "no_log": False},
            "token_secret": {"type": "str", "required": True, "no_log": True},
            "validate_certs": {"type": "bool"},
            "ca_path": {"type": "path"},
            "method": {"type": "str", "default": "GET", "choices": ["GET", "POST", "PUT", "DELETE"]},
            "path": {"type": "list", "elements": "str", "required": True},
            "parameters": {"type": "dict", "default": {}},
            "secret_parameters": {"type": "dict", "default": {}, "no_log": True},
            "read": {"type": "list", "elements": "str"},
            "done_when": {"type": "str"},
            "missing_when": {"type": "str"},
            "wait_s": {"type": "int", "default": 600},
            "lock_wait_s": {"type": "int", "default": 60},
            "timeout_s": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    parameters = module.params
    secret = f"{parameters['user']}!{parameters['token_id']}={parameters['token_secret']}"
    headers = {"Authorization": f"PVEAPIToken={secret}", "Accept": "application/json", "User-Agent": "proxmox_api"}
    result = {"changed": False, "data": None, "read": None, "missing": False, "attempts": 0}
    try:
        context = trust(parameters["host"], parameters["validate_certs"], parameters["ca_path"])
    except OSError as error:
        module.fail_json(msg=f"the certificates in `{parameters['ca_path']}` cannot be read: {error}", **result)
    api = Api(parameters["host"], headers, context, parameters["timeout_s"])
    try:
        if module.check_mode and parameters["method"] != "GET":
            result["changed"] = True
        else:
            perform(module, api, result)
        if parameters["read"] and not result["missing"]:
            result["read"] = api.call("GET", parameters["read"])
    except ApiError as error:
        what = f"{parameters['method']} /{'/'.join(parameters['path'])}"
        result.update(status=error.status, **({"task": error.task} if hasattr(error, "task") else {}))
        log = result.get("task", {}).get("log") if hasattr(error, "task") else None
        module.fail_json(msg=f"{what}: {error.message}" + (f" | log: {' | '.join(log)}" if log else ""), **result)
    finally:
        api.close()
    module.exit_json(**result)


if __name__ == "__main__":
    main()
