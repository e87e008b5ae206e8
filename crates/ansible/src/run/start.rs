//! Makes ansible-runner start `ansible-playbook` with the terminal and the environment of a run.
//!
//! ansible-runner starts it with a controlling terminal, where prompts would wait indefinitely, and an environment in which a nested
//! `ansible` would report events, too. A bundled program undoes both, and then becomes `ansible-playbook`.

use std::{io, process::Command};

use crate::{
    forkserver::Interpreter,
    run::{command, workspace::Workspace},
};

/// The variable with which `start.py` gets the environment of children.
const INHERITED: &str = "RANGEHAND_INHERITED";
/// The program, and what it imports.
const FILES: [(&str, &str); 2] = [
    ("start.py", include_str!("python/start.py")),
    ("surroundings.py", include_str!("python/surroundings.py")),
];

/// Writes the program where the run sees it; `None` where no Python is known that runs `ansible-playbook`.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn prepare(
    workspace: &Workspace,
    environment: &[(String, String)],
) -> io::Result<Option<command::Start>> {
    let Some(interpreter) = Interpreter::of(environment) else { return Ok(None) };
    let directory = workspace.write_programs(&FILES)?;
    Ok(Some(command::Start {
        python: interpreter.python,
        program: directory.join("start.py"),
        script: interpreter.scripts.join("ansible-playbook"),
    }))
}

/// Adds the environment of Ansible's children to that of `start.py`.
pub(crate) fn with_inherited(mut command: Command, environment: &[(String, String)]) -> Command {
    let inherited = command::inherited(environment);
    command.env(INHERITED, serde_json::json!(inherited).to_string());
    command
}
