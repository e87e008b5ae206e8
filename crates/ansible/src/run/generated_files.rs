//! Writes the files of generated inventories.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use secrecy::ExposeSecret;

use crate::{
    forkserver::Interpreter,
    run::{
        directory::new_file,
        generated::{Files, GeneratedInventory, INVENTORIES, socket},
        runtime::make,
        ssh_config,
    },
};

const CONNECT: (&str, &str) = ("connect.py", include_str!("python/connect.py"));
/// Where no Python of Ansible is known.
const ANY_PYTHON: &str = "python3";

/// Writes the files of all inventories into the directory for secrets of a run; returns the inventories with their places among all.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(
    secrets: &Path,
    inventories: &[GeneratedInventory],
    environment: &[(String, String)],
) -> io::Result<Vec<(usize, PathBuf)>> {
    let mut written = Vec::new();
    if inventories.is_empty() {
        return Ok(written);
    }
    let directory = secrets.join(INVENTORIES);
    make(&directory)?;
    let (file, program) = CONNECT;
    let program_path = directory.join(file);
    new_file(&program_path)?.write_all(program.as_bytes())?;
    let python = Interpreter::of(environment).map_or_else(|| ANY_PYTHON.into(), |found| found.python);
    // Without its environment and its packages, it starts faster.
    let connect = [python.as_os_str(), "-I".as_ref(), "-S".as_ref(), program_path.as_os_str()];
    let connect: Vec<String> = connect
        .into_iter()
        .chain([socket(secrets).as_os_str()])
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    for inventory in inventories {
        let files = Files::of(secrets, &inventory.name);
        make(&files.directory)?;
        let write = |path: &Path, text: &str| new_file(path)?.write_all(text.as_bytes());
        write(&files.key, inventory.private_key.expose_secret())?;
        write(&files.known_hosts, &ssh_config::known_hosts(&inventory.machines))?;
        write(&files.ssh_config, &ssh_config::text(inventory, &files, &connect))?;
        write(&files.inventory, &inventory.text)?;
        written.push((inventory.position, files.inventory));
    }
    written.sort();
    Ok(written)
}

/// All inventories of a run: those of the content, with the generated ones in their places.
pub(super) fn merged(mut inventories: Vec<PathBuf>, generated: &[(usize, PathBuf)]) -> Vec<PathBuf> {
    for (position, path) in generated {
        inventories.insert((*position).min(inventories.len()), path.clone());
    }
    inventories
}
