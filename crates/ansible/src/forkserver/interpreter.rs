//! Finds the Python interpreter in which Ansible is imported.

use std::{ffi::OsStr, path::PathBuf};

use process::programs;

/// The Python that runs `ansible-playbook`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Interpreter {
    pub(crate) python: PathBuf,
    /// Where the program is: Python looks there first for what it imports.
    pub(crate) scripts: PathBuf,
}

impl Interpreter {
    /// The one that would run `ansible-playbook`.
    pub(crate) fn of(environment: &[(String, String)]) -> Option<Self> {
        let path =
            environment.iter().find(|(name, _)| name == "PATH").map(|(_, path)| OsStr::new(path.as_str()));
        let program = programs::in_path("ansible-playbook", path)?;
        let scripts = program.parent()?.to_owned();
        let is_python = |program: &PathBuf| {
            program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"))
        };
        let named = programs::interpreter(&program, path).filter(is_python);
        // A line that would be too long for the kernel names a shell instead.
        let python = named.or_else(|| Some(scripts.join("python3")).filter(|python| python.is_file()))?;
        Some(Self { python, scripts })
    }
}
