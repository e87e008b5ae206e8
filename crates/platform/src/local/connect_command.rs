//! The command by which SSH reaches a machine.

use super::{options::Options, ready};
use crate::owner::Thing;

/// The command that connects to the SSH server of a machine; empty without a program.
pub(super) fn connect_command(options: &Options, machine: &Thing) -> Vec<String> {
    let mut command = options.program.clone();
    if !command.is_empty() {
        command.extend(["connect".to_owned(), options.run.display().to_string()]);
        command.extend([machine.owner.to_string(), machine.name.clone(), ready::SSH.to_string()]);
    }
    command
}
