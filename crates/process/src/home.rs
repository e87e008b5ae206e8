//! The home directory of a run, with links to files of the user's home.
//!
//! Files that programs of the run create in their home, mainly temporary files of Ansible, are removed with the run. Existing
//! files are visible through links: configuration, keys, collections. SSH reads the home from the user database instead of the
//! environment, so it uses the user's home in any case.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// What Ansible makes there for itself: each run has its own.
const OWN: [&str; 4] = ["tmp", "cp", "pc", "facts"];
/// The maximum number of links.
const MAX_LINKS: usize = 1000;

/// Fills the empty directory `home` with links into the user's `real` one.
///
/// # Errors
/// When nothing can be made in it. A user's home that cannot be read has nothing in it.
pub fn fill(home: &Path, real: Option<&Path>) -> io::Result<()> {
    let Some(real) = real.filter(|real| real.is_absolute() && *real != Path::new("/")) else { return Ok(()) };
    link_all(real, home, &[".ansible", ".cache"])?;
    let own = home.join(".ansible");
    fs::create_dir(&own)?;
    link_all(&real.join(".ansible"), &own, &OWN)
}

fn link_all(from: &Path, to: &Path, except: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(from).into_iter().flatten().flatten().take(MAX_LINKS) {
        let name = entry.file_name();
        if !except.iter().any(|except| name == **except) {
            symlink(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// The home directory that the system knows of this user: where SSH looks.
pub(crate) fn of_this_user() -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut entry = fields.filter(|fields| fields.get(2) == Some(&user.as_str()));
    entry.next()?.get(5).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_links_to_what_was_there_and_keeps_what_is_new() {
        let (real, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(real.path().join(".ansible/collections")).unwrap();
        fs::create_dir_all(real.path().join(".ansible/tmp")).unwrap();
        fs::write(real.path().join(".netrc"), "x").unwrap();
        fill(home.path(), Some(real.path())).unwrap();
        assert_eq!(fs::read_to_string(home.path().join(".netrc")).unwrap(), "x");
        assert!(home.path().join(".ansible/collections").is_dir());
        assert!(!home.path().join(".ansible/tmp").exists());
        fs::write(home.path().join(".ansible/new"), "").unwrap();
        assert!(!real.path().join(".ansible/new").exists());
        assert!(fill(home.path(), None).is_ok());
    }
}
