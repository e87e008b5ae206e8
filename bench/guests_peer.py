"""Guests begun by hand, all at once: `guests_peer.py TEMPLATE DIRECTORY N`, in network and mount namespaces that it may change.

Each is what a person would start: a network namespace on a bridge, an overlay over the template with a host key, and `systemd-nspawn`.
Prints the seconds until all SSH servers answer, and those until everything is removed.
"""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

GROUPS = pathlib.Path("/sys/fs/cgroup")
LIMIT_S = 120
LOOK_AGAIN_S = 0.01
BOOT = """
    set -eu
    lower=$1 own=$2 name=$3 groups=$4
    shift 4
    for group in $groups; do echo 0 >"$group/cgroup.procs"; done
    mount -t proc proc /proc
    mount -t overlay -o "lowerdir=$lower,upperdir=$own/upper,workdir=$own/work" guest "$own/root"
    export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
    exec systemd-nspawn --quiet --boot --machine="$name" --directory="$own/root" --register=no --settings=no --link-journal=no \\
      --resolv-conf=off --timezone=off --console=read-only --network-namespace-path="/run/netns/$name" \\
      --capability=CAP_NET_ADMIN "$@"
"""


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


class Guest:
    def __init__(self, template, directory, number):
        self.template, self.number = template, number
        self.name = f"bench-by-hand-{number}"
        self.own = directory / self.name
        self.address = f"10.78.0.{10 + number}"
        places = [GROUPS, *(GROUPS / name for name in ("systemd", "unified", "memory", "pids"))]
        is_managed = pathlib.Path("/run/systemd/system").is_dir()
        self.groups = [] if is_managed else [place / self.name for place in places if (place / "cgroup.procs").exists()]
        self.options = [] if is_managed else ["--keep-unit"]

    def up(self):
        self.prepare()
        run("ip", "netns", "add", self.name)
        batch = [f"link add port{self.number} master lan up type veth peer name eth0 netns {self.name}"]
        subprocess.run(["ip", "-batch", "-"], input="\n".join(batch), text=True, check=True)
        batch = ["link set lo up", f"address add {self.address}/24 dev eth0", "link set eth0 up"]
        subprocess.run(["ip", "-n", self.name, "-batch", "-"], input="\n".join(batch), text=True, check=True)
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "slave"]
        groups = " ".join(str(group) for group in self.groups)
        words = ["sh", "-c", BOOT, "sh", self.template, self.own, self.name, groups, *self.options]
        with open(self.own / "console.log", "wb") as console:
            self.process = subprocess.Popen([*apart, *words], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.wait()

    def prepare(self):
        for name in ("upper/etc/ssh", "work", "root"):
            (self.own / name).mkdir(parents=True)
        key = self.own / "upper/etc/ssh/ssh_host_ed25519_key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        for path in ("upper", "upper/etc", "upper/etc/ssh"):
            (self.own / path).chmod(0o755)
        (self.own / "upper/etc/hostname").write_text(f"{self.name}\n")
        (self.own / "upper/etc/machine-id").write_text("")
        for group in self.groups:
            group.mkdir()

    def wait(self):
        """Until the SSH server answers."""
        begun = time.monotonic()
        while time.monotonic() - begun < LIMIT_S and self.process.poll() is None:
            try:
                with socket.create_connection((self.address, 22), timeout=2) as connection:
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            time.sleep(LOOK_AGAIN_S)
        sys.exit(f"{self.name} is not ready:\n{(self.own / 'console.log').read_text(errors='replace')[-2000:]}")

    def down(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        run("ip", "netns", "delete", self.name)
        for group in self.groups:
            remove_group(group)
        shutil.rmtree(self.own)


def remove_group(group):
    """A group with those that the guest made below, once its last process has ended."""
    begun = time.monotonic()
    for below in [*sorted((path for path in group.glob("**/") if path != group), reverse=True), group]:
        while below.exists():
            try:
                below.rmdir()
            except OSError:
                if time.monotonic() - begun > LIMIT_S:
                    raise
                time.sleep(LOOK_AGAIN_S)


def main(template, directory, count):
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    guests = [Guest(template, pathlib.Path(directory), number) for number in range(int(count))]
    with ThreadPoolExecutor(len(guests)) as pool:
        begun = time.perf_counter()
        for words in ("link add lan type bridge", "address add 10.78.0.1/24 dev lan", "link set lan up"):
            run("ip", *words.split())
        list(pool.map(Guest.up, guests))
        up = time.perf_counter()
        list(pool.map(Guest.down, guests))
        run("ip", "link", "delete", "lan")
        down = time.perf_counter()
    print(json.dumps({"up": up - begun, "down": down - up}))


main(*sys.argv[1:])
