"""A service to be measured: its files, its start, calls to it, its end. And Ansible without it, on the same files."""

import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from bench import machine

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT_S = 300
IDLE_S = 20


class Site:
    """A directory with playbooks and inventories, and how to run both sides on them."""

    def __init__(self, options, scratch):
        self.options, self.scratch = options, pathlib.Path(scratch)
        for tree in ("playbooks", "inventory"):
            shutil.copytree(ROOT / tree, self.scratch / tree)
        shutil.copytree(ROOT / "bench/playbooks", self.scratch / "playbooks", dirs_exist_ok=True)
        self.environment = {
            "HOME": str(self.scratch),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "PATH": f"{options.bin_dir}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        }

    def serve(self, name, **settings):
        """A service with a state directory of its own, `name`. Only its limits of calls are off, and what is given here."""
        return Service(self, self.scratch / f"state-{name}", settings)

    def bare(self, *arguments, **environment):
        """`ansible-playbook` with these arguments, started and not waited for."""
        program = shutil.which("ansible-playbook", path=self.environment["PATH"])
        if not program:
            sys.exit("there is no ansible-playbook: ./start.sh")
        process = subprocess.Popen([program, *arguments], cwd=self.scratch, env=self.environment | environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        machine.OWN.add(process.pid)
        return process


def finish(process):
    """Waits for the end of what `Site.bare` started; it must end well."""
    output, _ = process.communicate(timeout=LIMIT_S)
    machine.OWN.discard(process.pid)
    if process.returncode != 0:
        sys.exit(f"ansible-playbook ended with {process.returncode}:\n{output.decode(errors='replace')}")


class Service:
    """A running service. Ends with the `with` block."""

    def __init__(self, site, state, settings):
        self.site, self.state = site, state
        self.settings = {
            "PROJECT_ROOT_DIR": str(site.scratch),
            "RANGEHAND__ANSIBLE__BIN_DIR": str(site.options.bin_dir),
            "RANGEHAND__SERVER__PORT": "0",
            "RANGEHAND__PATHS__STATE": str(state),
            "RANGEHAND__LIMITS__READS_PER_MINUTE": "0",
            "RANGEHAND__LIMITS__WRITES_PER_MINUTE": "0",
        } | settings
        self.process, self.called = None, 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, path="/healthz"):
        """Starts it. Returns the seconds until it logged that it listens, and until it answered a request for this path."""
        self.state.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        with open(self.state.with_suffix(".log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.site.options.binary, "serve"], cwd=self.site.scratch,
                env=self.site.environment | self.settings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, text=True)
        machine.OWN.add(self.process.pid)
        line = self.process.stdout.readline()
        listening = time.monotonic() - begun
        if not line.startswith("listening on "):
            sys.exit(f"the service did not start:\n{self.state.with_suffix('.log').read_text()}")
        self.address = line.strip().removeprefix("listening on http://")
        self.connection = self.connect()
        self.call("GET", path)
        return listening, time.monotonic() - begun

    def stop(self):
        """Ends it."""
        if self.process:
            self.process.terminate()
            self.process.wait(LIMIT_S)
            self.process.stdout.close()
            machine.OWN.discard(self.process.pid)
            self.process = None

    @property
    def pid(self):
        return self.process.pid

    def connect(self):
        """A connection to it that is kept."""
        host, _, port = self.address.rpartition(":")
        return http.client.HTTPConnection(host, int(port), timeout=LIMIT_S)

    def call(self, method, path, body=None, connection=None):
        """Sends one request, which must succeed. Returns the parsed JSON."""
        if connection is None:
            connection = self.connection
            # The service closes what was idle for a while; this connects again.
            if time.monotonic() - self.called > IDLE_S:
                connection.close()
            self.called = time.monotonic()
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"content-type": "application/json"} if text else {})
        reply = connection.getresponse()
        content = reply.read()
        if reply.status >= 400:
            sys.exit(f"{method} {path}: {reply.status} {content.decode(errors='replace')}")
        return json.loads(content) if reply.getheader("content-type", "").startswith("application/json") else content

    def run(self, request, connection=None):
        """A job from its request to its end, which must be a good one."""
        job = self.call("POST", f"/v1/jobs?wait={LIMIT_S}", request, connection)
        if job["state"] != "succeeded":
            sys.exit(f"the job ended {job['state']}: {job['reason']['message']}")
        return job

    def supervisors(self):
        """The supervisors of its runs, without those that have none yet."""
        return [pid for pid in machine.descendants(os.getpid()) if machine.name_of(pid).startswith("run-")]

    def rest(self):
        """Waits until no run is active, down to the last supervisor."""
        while self.supervisors():
            time.sleep(0.005)
