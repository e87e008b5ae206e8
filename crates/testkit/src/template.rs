//! The root of guests that `./test.sh` makes once for all tests, as a template of the platform `local`.

use std::{env, path::PathBuf};

use crate::surroundings::TEMPLATE;

/// A root directory of Debian with systemd, an SSH server, and Python. `None` where there is none, which is printed.
#[must_use]
#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
pub fn template() -> Option<PathBuf> {
    let named = env::var_os(TEMPLATE).filter(|named| named != "none").map(PathBuf::from);
    if named.is_none() {
        eprintln!("NOT TESTED: guests of ranges: {TEMPLATE} names no template");
    }
    named
}
