//! Landlock scopes of a sandbox: its processes can't reach abstract UNIX sockets of others, or signal them.
//!
//! Abstract sockets belong to the network, which a sandbox may share with the machine: neither its mounts nor the system
//! call filter keep a job from those on which other programs listen, container engines and buses among them. Landlock does
//! (Linux 6.12 and newer), and it refuses signals to processes outside and access to their memory a second time, after the
//! namespace of processes. Access to files is not restricted: a sandbox shows only what a run may reach.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use landlock::{
    BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetError, Scope,
    make_bitflags,
};

/// What a process of a sandbox does only to others of its sandbox.
const SCOPES: BitFlags<Scope> = make_bitflags!(Scope::{AbstractUnixSocket | Signal});
/// The mode bit of programs that run with the rights of their owner.
const SET_USER_ID: u32 = 0o4000;
/// Where capabilities of programs are kept.
const CAPABILITIES: &str = "security.capability";

fn ruleset() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default().set_compatibility(CompatLevel::HardRequirement).scope(SCOPES)?.create()
}

/// Whether this kernel can do it.
pub(crate) fn is_supported() -> bool {
    ruleset().is_ok()
}

/// The scopes as the kernel counts them; 0 where it does not know them.
pub fn bits() -> u64 {
    if is_supported() { SCOPES.bits() } else { 0 }
}

/// Restricts this process and everything that it starts, where the kernel can. It gets no new privileges afterwards.
pub(crate) fn restrict() -> io::Result<()> {
    match ruleset() {
        Ok(ruleset) => ruleset.restrict_self().map(drop).map_err(io::Error::other),
        Err(error) => {
            tracing::debug!(%error, "the kernel does not scope abstract sockets and signals");
            Ok(())
        }
    }
}

/// Whether an ordinary user gets privileges by this program: it would not work in a process that was restricted before.
pub(crate) fn gives_privileges(program: &Path) -> bool {
    let is_set_user_id = || fs::metadata(program).is_ok_and(|found| found.mode() & SET_USER_ID != 0);
    let has_capabilities =
        || rustix::fs::getxattr(program, CAPABILITIES, &mut [0_u8; 64]).is_ok_and(|length| length > 0);
    !rustix::process::geteuid().is_root() && (is_set_user_id() || has_capabilities())
}
