//! Details that Rangehand adds to Ansible's events: a Python program that extends the callback of ansible-runner.
//!
//! A process that has Ansible imported (`forkserver/`) has the program already. For ansible-runner it is a callback plugin in a
//! directory of the run.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

/// The program.
pub(crate) const PROGRAM: &str = include_str!("../forkserver/python/details.py");
/// What makes a callback plugin of it.
const PLUGIN: &str = include_str!("../forkserver/python/details_plugin.py");
/// The setting of Ansible that names directories of callback plugins.
pub(crate) const PLACES: &str = "ANSIBLE_CALLBACK_PLUGINS";

/// Writes the plugin below `directory`. Returns the value of [`PLACES`] with which Ansible finds it and the other plugins.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn place(directory: &Path, others: Option<&str>) -> io::Result<OsString> {
    let plugins: PathBuf = directory.join("callbacks");
    fs::create_dir_all(&plugins)?;
    fs::write(plugins.join("rangehand_details.py"), format!("{PROGRAM}{PLUGIN}"))?;
    let places = others.filter(|others| !others.is_empty()).map(OsString::from).into_iter();
    Ok(places.chain([plugins.into_os_string()]).collect::<Vec<_>>().join(":".as_ref()))
}
