//! The system call filter of a sandbox (seccomp): what the kernel refuses to every process in it.
//!
//! A sandbox hides files, processes, and devices, and its processes have no capabilities. What remains between a hostile
//! playbook and the machine is the kernel. The filter removes the parts of its interface that no playbook on a controller needs
//! and through which kernels are attacked, above all those that a user namespace opens to unprivileged processes. A refused
//! call fails like one without permission; the filter never kills a process.
//!
//! bubblewrap installs the filter, which [`crate::confine`] passes to it, for the programs that it executes. The process
//! with Ansible imported installs the same program itself after it has joined a sandbox (`forkserver/python/sandbox.py` of `crates/ansible`).

mod bpf;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod table;

/// The filter for this machine as an array of the kernel's `sock_filter`. `None` on an architecture for which there is no
/// table of system calls.
pub(crate) fn program() -> Option<Vec<u8>> {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let filter = Some(table::FILTER);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let filter: Option<bpf::Filter> = None;
    Some(bpf::bytes(&bpf::assemble(&filter?)))
}

/// The same as hexadecimal digits; empty where there is no filter.
pub fn hexadecimal() -> String {
    program().unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect()
}
