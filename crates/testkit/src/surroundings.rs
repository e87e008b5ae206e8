//! The environment of a test: the repository, the built program, and what `./test.sh` provides.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Where `./test.sh` names the directory with Ansible's programs.
pub const BIN_DIR: &str = "RANGEHAND_TEST_BIN_DIR";
/// Where `./test.sh` names a PostgreSQL server.
pub const POSTGRES: &str = "RANGEHAND_TEST_POSTGRES_URL";
/// Where `./test.sh` names the directory of the SSH hosts.
pub const SSH_LAB: &str = "RANGEHAND_TEST_SSH_LAB";
/// Where `./test.sh` names a Python that can run the simulator of Proxmox VE.
pub const FAKE_PVE: &str = "RANGEHAND_TEST_FAKEPVE";
/// Where `./test.sh` names a directory for guests, or `none`.
pub const GUESTS: &str = "RANGEHAND_TEST_GUESTS";
/// Where `./test.sh` names the root of its guests, or `none`.
pub const TEMPLATE: &str = "RANGEHAND_TEST_TEMPLATE";
/// Where `./test.sh` names a directory for gateways.
pub const GATEWAYS: &str = "RANGEHAND_TEST_GATEWAYS";
/// Where `./test.sh` names Chromium.
pub const BROWSER: &str = "RANGEHAND_TEST_BROWSER";

/// A file or directory of the repository.
///
/// # Panics
///
/// Never: this crate is two directories below the repository.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("crates/testkit is in the repository").join(path)
}

/// The fixtures of the repository.
#[must_use]
pub fn fixtures() -> PathBuf {
    repository("tests/fixtures")
}

/// The built program. Only the root package's tests have it built for them.
///
/// Cargo and nextest name it at run time; otherwise it is one directory above the test's executable.
///
/// # Panics
///
/// If it was not built.
#[must_use]
pub fn program() -> PathBuf {
    let program = env::var_os("CARGO_BIN_EXE_rangehand").map_or_else(beside_the_test, PathBuf::from);
    assert!(program.exists(), "`{}` is not built: run `cargo build`", program.display());
    program
}

/// `target/PROFILE/rangehand` for a test in `target/PROFILE/deps/`.
fn beside_the_test() -> PathBuf {
    let test = env::current_exe().expect("the path of this executable");
    let profile = test.parent().and_then(Path::parent).expect("a directory of a profile");
    profile.join("rangehand")
}

/// The directory with Ansible's programs.
///
/// # Panics
///
/// If `./test.sh` has not named it.
#[must_use]
pub fn bin_dir() -> PathBuf {
    needed(BIN_DIR)
}

/// The value of a variable that `./test.sh` sets.
pub(crate) fn needed(variable: &str) -> PathBuf {
    let value = env::var_os(variable);
    PathBuf::from(value.unwrap_or_else(|| panic!("{variable} is not set: run ./test.sh")))
}
