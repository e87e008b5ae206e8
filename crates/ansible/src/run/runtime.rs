//! Where secrets lie while a run or an inspection needs them: directories that never reach a disk, below one of the service.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use model::RunId;
use process::untrusted::{read_file, remove_tree};
use secrecy::{ExposeSecret, SecretString};

use crate::run::directory::new_file;

/// Linux's number for tmpfs, from `statfs(2)`.
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// Is the file system of this path kept in memory?
#[must_use]
pub fn is_tmpfs(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|found| u64::try_from(found.f_type) == Ok(TMPFS_MAGIC))
}

/// Is this path on a tmpfs with so many bytes left?
#[must_use]
pub fn has_memory(path: &Path, bytes: u64) -> bool {
    let left = rustix::fs::statvfs(path).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize));
    is_tmpfs(path) && left >= bytes
}

/// The directory to use when no setting names one: below /dev/shm where that is a tmpfs, otherwise below the
/// directory for temporary files. It carries the user's number, because /dev/shm is shared.
#[must_use]
pub fn default_directory() -> PathBuf {
    let shared_memory = Path::new("/dev/shm");
    let parent = if is_tmpfs(shared_memory) { shared_memory.to_owned() } else { std::env::temp_dir() };
    parent.join(format!("rangehand-{}", rustix::process::geteuid().as_raw()))
}

/// The file in a directory of secrets that names the run it belongs to.
pub(crate) const OWNER: &str = "run";
/// The file in such a directory that holds the vault password.
pub(crate) const VAULT_PASSWORD: &str = "vault-password";
/// The longest path that the first can hold.
const OWNER_BYTES: u64 = 4096;

/// Removes the secrets below `runtime` that belong to a run below `runs` for which `is_dead` holds. Returns how many
/// there were. Secrets of other services, which can share `runtime`, are kept.
///
/// # Errors
/// When `runtime` cannot be read. If it does not exist, there are none.
pub fn sweep_secrets(runtime: &Path, runs: &Path, is_dead: impl Fn(&Path) -> bool) -> io::Result<usize> {
    let entries = match fs::read_dir(runtime) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let mut swept = 0;
    for entry in entries {
        let secrets = entry?.path();
        // A run can put anything in the place of this file.
        let Ok(owner) = read_file(&secrets.join(OWNER), OWNER_BYTES) else { continue };
        let owner = Path::new(OsStr::from_bytes(&owner));
        if owner.parent() == Some(runs) && is_dead(owner) {
            remove_tree(&secrets)?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// A directory on tmpfs for a program that is not a run: its input is stored there. Removed when dropped, and swept
/// like the secrets of a run when this process is killed before.
#[derive(Debug)]
pub struct Scratch {
    directory: PathBuf,
}

impl Scratch {
    /// Makes a directory of its own below `runtime`, under an id that no run below `runs` has. Its name distinguishes it from
    /// those of runs.
    ///
    /// # Errors
    /// When it cannot be made, or `runtime` belongs to another user.
    pub fn create(runtime: &Path, runs: &Path, id: RunId) -> io::Result<Self> {
        own_directory(runtime)?;
        let scratch = Self { directory: runtime.join(format!("inspection-{}", id.short())) };
        make(&scratch.directory)?;
        let owner = runs.join(id.to_string());
        new_file(&scratch.directory.join(OWNER))?.write_all(owner.as_os_str().as_bytes())?;
        Ok(scratch)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// Writes the vault password into a file of the directory. Returns the path.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_password(&self, password: &SecretString) -> io::Result<PathBuf> {
        let path = self.directory.join(VAULT_PASSWORD);
        writeln!(new_file(&path)?, "{}", password.expose_secret())?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove_tree(&self.directory) {
            tracing::error!(%error, "the directory with the input of a program cannot be removed");
        }
    }
}

/// Makes a directory of mode 0700.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    DirBuilder::new().mode(0o700).create(path).map_err(named)
}

/// Creates the directory if it does not exist. A link, or a directory of another user, is rejected, because it could have been
/// created to read secrets.
///
/// # Errors
/// When it is accessible to other users, or cannot be created.
pub fn own_directory(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match make(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    let metadata = fs::symlink_metadata(path)?;
    let is_own = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
    if is_own && metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    let text = format!("{} is not a directory of this user with mode 0700", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}
