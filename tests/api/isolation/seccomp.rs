//! What the kernel refuses to processes of a sandbox: system calls, sockets of other processes, and signals to them.

use std::os::{
    linux::net::SocketAddrExt,
    unix::net::{SocketAddr, UnixListener},
};

use serde_json::{Value, json};
use testkit::{Setup, TestApp};

use super::{can_sandbox, in_sandbox};

/// A filter that tries what the system call filter refuses, in the process that runs Ansible, and returns each attempt with an
/// unexpected end. No attempt changes anything if it is allowed: addresses and descriptors are invalid, and flags contradict
/// one another. Most of them end in another way without the filter, also for a process without privileges.
const ATTEMPTS: &str = r#"import ctypes, errno, mmap, os, platform

# On x86_64 and aarch64.
CALLS = {
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "clone": (56, 220), "setns": (308, 268),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "kexec_load": (246, 104), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "syslog": (103, 116), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    "nfsservctl": (180, 42), "lookup_dcookie": (212, 18), "personality": (135, 92), "getpid": (39, 172),
    "mbind": (237, 235), "move_pages": (279, 239), "migrate_pages": (256, 238),
    "socket": (41, 198), "socketpair": (53, 199), "ioctl": (16, 29),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "uselib": (134, None), "_sysctl": (156, None),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "clone3": (435, 435), "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440), "mount_setattr": (442, 442), "quotactl_fd": (443, 443), "open_tree_attr": (467, 467),
}
NOWHERE, WRONG = -1, -1
NEW_USER, SHARED_FILES, NO_FLAG, HIGH = 0x10000000, 0x200, 1, 1 << 40
LINUX_SECCOMP_FILTER = 2
UNIX, INET, NETLINK, PACKET, ALGORITHMS, VSOCK, STREAM, RAW = 1, 2, 16, 17, 38, 40, 1, 3
TIOCSTI, TIOCLINUX, TCGETS = 0x5412, 0x541C, 0x5401
REFUSED, ABSENT, NO_FAMILY = errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT

# What with which arguments, and the error; 0 is success.
ATTEMPTS = [
    ("unshare", (NEW_USER | NO_FLAG,), REFUSED),
    ("unshare", (0,), 0),
    ("clone", (NEW_USER | SHARED_FILES, 0, 0, 0, 0), REFUSED),
    ("clone", (HIGH | NEW_USER | SHARED_FILES, 0, 0, 0, 0), REFUSED),
    ("clone3", (NOWHERE, 64), ABSENT),
    ("setns", (WRONG, 0), REFUSED),
    ("personality", (0x0400000,), REFUSED),
    ("personality", (0xFFFFFFFF,), 0),
    ("socket", (PACKET, RAW, 0), NO_FAMILY),
    ("socket", (ALGORITHMS, STREAM, 0), NO_FAMILY),
    ("socket", (VSOCK, STREAM, 0), NO_FAMILY),
    ("socket", (HIGH | VSOCK, STREAM, 0), NO_FAMILY),
    ("socketpair", (VSOCK, STREAM, 0, NOWHERE), NO_FAMILY),
    ("socket", (INET, STREAM, 0), 0),
    ("socket", (NETLINK, RAW, 0), 0),
    ("ioctl", (WRONG, TIOCSTI, NOWHERE), REFUSED),
    ("ioctl", (WRONG, HIGH | TIOCSTI, NOWHERE), REFUSED),
    ("ioctl", (WRONG, TIOCLINUX, NOWHERE), REFUSED),
    ("ioctl", (WRONG, TCGETS, NOWHERE), errno.EBADF),
] + [
    (name, (WRONG, NOWHERE, NOWHERE, WRONG, WRONG, WRONG), REFUSED)
    for name in CALLS
    if name not in {"unshare", "clone", "clone3", "setns", "personality", "socket", "socketpair", "ioctl", "getpid"}
]

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
IS_X86 = platform.machine() == "x86_64"


def end_of(number, arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return ctypes.get_errno() if result == -1 else 0


def getpid_of_32_bits():
    """The result of the call by which 32-bit programs enter the kernel. 0 where such programs can't run at all."""
    code = bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0x48, 0x98, 0xC3])
    memory = mmap.mmap(-1, len(code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    child = os.fork()
    if child == 0:
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        result = ctypes.CFUNCTYPE(ctypes.c_long)(address)()
        os._exit(1 if result > 0 else 0)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status)


class FilterModule:
    def filters(self):
        return {"attempts": self.attempts, "connects": self.connects}

    def attempts(self, _value):
        found = []
        for name, arguments, expected in ATTEMPTS:
            number = CALLS[name][0 if IS_X86 else 1]
            end = end_of(number, arguments) if number is not None else expected
            if end != expected:
                found.append(f"{name}_{errno.errorcode.get(end, end)}")
        if IS_X86 and end_of(0x40000000 + CALLS["getpid"][0], ()) != ABSENT:
            found.append("x32")
        if IS_X86 and getpid_of_32_bits():
            found.append("32-bit")
        with open("/proc/self/status", encoding="ascii") as status:
            if f"Seccomp:\t{LINUX_SECCOMP_FILTER}\n" not in status.readlines():
                found.append("no_filter")
        return found

    def connects(self, name):
        import socket

        with socket.socket(socket.AF_UNIX) as own, socket.socket(socket.AF_UNIX) as one:
            own.bind(f"\0{name}-own")
            own.listen()
            one.connect(f"\0{name}-own")
        with socket.socket(socket.AF_UNIX) as other:
            try:
                other.connect("\0" + name)
                return "connected"
            except OSError as error:
                return errno.errorcode[error.errno]
"#;

/// A bundle whose hosts are `localhost` when every attempt ended as it should, and the others otherwise. A process of a module
/// must be under the filter, too.
fn bundle(setup: &Setup) {
    setup.write("playbooks/bundles/attempts/filter_plugins/attempts.py", ATTEMPTS);
    let play = json!([{
        "hosts": "{{ (1 | attempts) | join('_') | default('localhost', true) }}",
        "gather_facts": false, "connection": "local",
        "tasks": [
            {"name": "Look", "ansible.builtin.command": "grep -c ^Seccomp:.2$ /proc/self/status", "changed_when": false},
        ],
    }]);
    setup.write("playbooks/bundles/attempts/main.yml", &play.to_string());
}

pub(super) async fn assert_attempts_are_refused(setup: Setup, executor: &str) {
    bundle(&setup);
    let app = setup.set("RANGEHAND__ANSIBLE__EXECUTOR", executor).start();
    let shown = app.get("/v1/catalog/bundles/attempts", 200).await;
    assert_eq!(shown["plays"][0]["hosts"], "localhost", "an inspection: {shown:#}");
    let job = app.run(&json!({"bundle": "attempts", "limit": "localhost"})).await;
    let events = job.events().await;
    let ended = (&job["state"], &job["executor"], &job["stats"]["localhost"]["ok"]);
    assert_eq!(ended, (&json!("succeeded"), &json!(executor), &json!(1)), "{events:#?}\n{job:#}");
}

#[tokio::test]
async fn what_attacks_on_the_kernel_begin_with_is_refused_in_a_sandbox() {
    if !can_sandbox() {
        return;
    }
    for executor in ["warm", "runner"] {
        assert_attempts_are_refused(in_sandbox(), executor).await;
    }
}

/// Connects to an abstract socket of this machine from a sandbox. Returns what came of it.
async fn connect(app: &TestApp, name: &str) -> Value {
    let play = json!([{
        "hosts": "localhost", "gather_facts": false, "connection": "local",
        "vars": {"connected": format!("{{{{ '{name}' | connects }}}}")},
        "tasks": [{"name": "Say", "ansible.builtin.debug": {"var": "connected"}}],
    }]);
    app.write("playbooks/bundles/attempts/main.yml", &play.to_string());
    let job = app.run(&json!({"bundle": "attempts", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    job.results().await["connected"][0].clone()
}

/// What doctor reports about the parts of a sandbox.
fn parts(setup: &Setup) -> String {
    let output = setup.command().arg("doctor").output().expect("it starts");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = output.lines().find(|line| line.contains("protections of a sandbox"));
    line.unwrap_or_else(|| panic!("no such row: {output}")).to_owned()
}

#[test]
fn doctor_lists_which_parts_of_a_sandbox_this_machine_has() {
    if !can_sandbox() {
        return;
    }
    let parts = parts(&in_sandbox());
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(parts.starts_with("warn"), is_root, "{parts}");
    assert!(parts.contains("namespaces (mounts, "), "{parts}");
    assert!(parts.contains("seccomp (system calls)"), "{parts}");
    assert_eq!(parts.contains("no user namespace (root "), is_root, "{parts}");
    assert!(parts.contains("Landlock ("), "{parts}");
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that shows nothing must not look like one that does")]
async fn abstract_sockets_of_the_machine_are_out_of_reach_where_the_kernel_has_landlock() {
    if !can_sandbox() {
        return;
    }
    if parts(&in_sandbox()).contains("no Landlock") {
        eprintln!("NOT TESTED: abstract sockets: the kernel has no Landlock that knows them");
        return;
    }
    for executor in ["warm", "runner"] {
        let setup = in_sandbox();
        bundle(&setup);
        let name = format!("rangehand-{}", setup.home().file_name().expect("a name").to_string_lossy());
        let app = setup.set("RANGEHAND__ANSIBLE__EXECUTOR", executor).start();
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let _listener = UnixListener::bind_addr(&address).expect("it is free");
        assert_eq!(connect(&app, &name).await, "EPERM", "{executor}");
    }
}
