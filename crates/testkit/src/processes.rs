//! Processes of this machine, and programs that a test starts.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::Pid;

use crate::files::entries;

/// Command lines in which a text occurs, with their processes. Zombies and this process are omitted.
#[must_use]
pub fn processes_with(text: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let is_another = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.bytes().all(|byte| byte.is_ascii_digit()) && *name != *own
    };
    let others = entries(Path::new("/proc")).into_iter().filter(is_another);
    others
        .filter_map(|process| {
            let command = fs::read(process.join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            command.contains(text).then(|| format!("{}: {command}", process.display()))
        })
        .collect()
}

/// The processes in whose environment a text occurs. Zombies are omitted.
#[must_use]
pub fn processes_with_environment(text: &str) -> Vec<PathBuf> {
    let holds = |process: &PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(text)
    };
    entries(Path::new("/proc")).into_iter().filter(holds).collect()
}

/// Starts a program and waits for the first line that it prints: Rangehand's programs print it when they are ready. The line is empty
/// if the program ended.
///
/// # Panics
///
/// If the program cannot be started.
pub fn spawn_until_ready(command: &mut Command) -> (Child, String) {
    let mut process = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    let output = process.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("a line, or the end");
    (process, line.trim().to_owned())
}

/// The id of a process that this one started.
///
/// # Panics
///
/// Never: ids of Linux are small numbers.
#[must_use]
pub fn pid_of(process: &Child) -> Pid {
    i32::try_from(process.id()).ok().and_then(Pid::from_raw).expect("a small number")
}
