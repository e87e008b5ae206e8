//! The private data directory of a run, as ansible-runner defines it, and the place for its secrets.
//!
//! ```text
//! <run>/private/             mode 0700, removed at the end of the run; when it is small, a link to a directory
//!                            beside the secrets, so that nothing of it reaches a disk and making it is quick
//!   project/                 the playbooks root, whole: `../../secrets/x.yml` and `roles/` keep their places
//!   inventory/               the inventory root, whole: group_vars and host_vars stay beside their inventory
//!   env/cmdline, settings    what ansible-runner is told
//!   shipped-roles/           the roles that come with us, unless the root has some of these names
//!   vault.yml                the encrypted variables of the setting, as they were at the start of the run
//! <runtime>/<short run id>/  mode 0700, on tmpfs: nothing in it ever reaches a disk
//!   vault-password, extra-vars.json
//!   artifacts/               what ansible-runner keeps: the environment, each event as it is
//!   tmp/                     Ansible's local temporary files: decrypted files of a vault
//!   home/                    the home of the run, with links into that of the user
//!   cp/, pc/                 control sockets of SSH and of persistent connections
//!   run                      the run's directory: says whose secrets these are
//! ```

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, symlink},
    },
    path::{Path, PathBuf},
};

use model::{ExtraVars, RunId, SecretValue, SecretVars};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    command::{self, OptionFiles, PlaybookOptions},
    home,
    run_directory::new_file,
    run_spec::Facts,
    runtime, shipped,
    snapshot::{Copied, PAGE, copy_tree},
    untrusted::{read_file, remove_tree},
};

/// Where a run's content comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    /// The playbooks root.
    pub playbooks_root: PathBuf,
    /// The inventory root.
    pub inventory_root: PathBuf,
    /// The inventory, relative to it; `None` when there is none of that name.
    pub inventory: Option<PathBuf>,
    /// Encrypted variables for the run.
    pub vault: Option<PathBuf>,
    /// Names that are not copied.
    pub exclude: Vec<String>,
    /// Up to so many bytes the copies are kept in memory.
    pub in_memory_bytes: u64,
}

/// Why there is no private directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The playbook was there when the job was accepted, and is gone.
    #[error("the playbook `{0}` is gone")]
    PlaybookGone(PathBuf),
    /// The inventory does not exist.
    #[error("there is no such inventory in the inventory directory")]
    NoInventory,
    /// Files cannot be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What went wrong; names the path where it can.
        source: io::Error,
    },
}

/// A run's private data directory and its place for secrets.
#[derive(Debug)]
pub struct Workspace {
    /// Where the run's directory has it.
    listed: PathBuf,
    /// Where it is.
    private: PathBuf,
    secrets: PathBuf,
    /// What the copy of the playbooks root left out, for the user to see.
    pub left_out: Vec<(PathBuf, &'static str)>,
}

impl Workspace {
    /// Says where they will be; makes nothing. `runtime` is the shared parent of all runs' secrets.
    #[must_use]
    pub fn new(private: PathBuf, runtime: &Path, short_id: &str) -> Self {
        let secrets = runtime.join(short_id);
        Self { listed: private, private: secrets.join("private"), secrets, left_out: Vec::new() }
    }

    /// Makes both directories, empty.
    ///
    /// # Errors
    /// When they exist or cannot be made, or the parent of all runs' secrets belongs to somebody else.
    pub fn create(&self) -> Result<(), Error> {
        let at = |what| move |source| Error::Io { what, source };
        let runtime = self.secrets.parent().unwrap_or(&self.secrets);
        own_directory(runtime).map_err(at("cannot use the runtime directory"))?;
        make(&self.secrets).map_err(at("cannot make the directory for secrets"))?;
        let owner = self.listed.parent().unwrap_or(&self.listed).as_os_str().as_bytes();
        let mut file =
            new_file(&self.secrets.join(OWNER)).map_err(at("cannot write to the directory for secrets"))?;
        file.write_all(owner).map_err(at("cannot write to the directory for secrets"))
    }

    /// Makes the run's home, with links to what is in the user's.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_home(&self, real: Option<&Path>) -> Result<(), Error> {
        let at = |what| move |source| Error::Io { what, source };
        make(&self.home()).map_err(at("cannot make the home of the run"))?;
        home::fill(&self.home(), real).map_err(at("cannot make the home of the run"))
    }

    /// The run's home, on tmpfs: what Ansible makes there may hold arguments of modules.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.secrets.join("home")
    }

    /// Where ansible-runner keeps what it wants to keep.
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.secrets.join(ARTIFACTS)
    }

    /// The roles that come with us, as far as the playbooks root has none of these names; there when there are any.
    #[must_use]
    pub fn shipped_roles(&self) -> PathBuf {
        self.private.join("shipped-roles")
    }

    /// The private data directory.
    #[must_use]
    pub fn private(&self) -> &Path {
        &self.private
    }

    /// The directory of the control sockets, short enough for AF_UNIX.
    #[must_use]
    pub fn short(&self) -> &Path {
        &self.secrets
    }

    /// Copies playbooks and inventory: into memory when they are small, otherwise onto the disk of the state.
    ///
    /// # Errors
    /// When something that the run needs is not there or cannot be copied.
    pub fn fill<'a>(
        &mut self,
        source: &Source,
        playbooks: impl IntoIterator<Item = &'a Path>,
    ) -> Result<(), Error> {
        let inventory = source.inventory.as_ref().ok_or(Error::NoInventory)?;
        if !self.fill_memory(source)? {
            self.fill_disk(source)?;
        }
        for playbook in playbooks {
            if !self.private.join("project").join(playbook).is_file() {
                return Err(Error::PlaybookGone(playbook.to_owned()));
            }
        }
        if !self.private.join("inventory").join(inventory).exists() {
            return Err(Error::NoInventory);
        }
        shipped::add_roles(&self.private.join("project"), &self.shipped_roles())
            .map_err(|source| Error::Io { what: "cannot write the roles that come with us", source })?;
        if let Some(vault) = &source.vault {
            let copied = fs::copy(vault, self.private.join("vault.yml"));
            copied.map_err(|source| Error::Io { what: "cannot copy the vault file", source })?;
        }
        Ok(())
    }

    /// False when the content does not fit into what it may take of memory.
    fn fill_memory(&mut self, source: &Source) -> Result<bool, Error> {
        let at = |what| move |source| Error::Io { what, source };
        // Twice: the run needs room of its own, and so do others.
        if source.in_memory_bytes == 0 || !runtime::has_memory(&self.secrets, 2 * source.in_memory_bytes) {
            return Ok(false);
        }
        make(&self.private).map_err(at("cannot make the private directory"))?;
        match self.copy(source, Some(source.in_memory_bytes)) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::QuotaExceeded => {
                remove_tree(&self.private).map_err(at("cannot remove what does not fit into memory"))?;
                Ok(false)
            }
            Err(error) => Err(error),
            Ok(()) => {
                symlink(&self.private, &self.listed).map_err(at("cannot link the private directory"))?;
                Ok(true)
            }
        }
    }

    fn fill_disk(&mut self, source: &Source) -> Result<(), Error> {
        self.private = self.listed.clone();
        make(&self.private)
            .map_err(|source| Error::Io { what: "cannot make the private directory", source })?;
        self.copy(source, None)
    }

    fn copy(&mut self, source: &Source, budget: Option<u64>) -> Result<(), Error> {
        let at = |what| move |source| Error::Io { what, source };
        let copy = |from: &Path, to: &str, budget| -> io::Result<Copied> {
            copy_tree(from, &self.private.join(to), &source.exclude, budget)
        };
        let project =
            copy(&source.playbooks_root, "project", budget).map_err(at("cannot copy the playbooks"))?;
        let budget = budget.map(|budget| budget.saturating_sub(project.pages * PAGE));
        let inventory =
            copy(&source.inventory_root, "inventory", budget).map_err(at("cannot copy the inventory"))?;
        let of_inventory =
            inventory.left_out.into_iter().map(|(path, why)| (Path::new("inventory").join(path), why));
        self.left_out = project.left_out.into_iter().chain(of_inventory).collect();
        Ok(())
    }

    /// Writes what ansible-runner is told, secrets to tmpfs. What it was told for the step before is gone.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_input(
        &self,
        options: &PlaybookOptions,
        vault_password: Option<&SecretString>,
        extra_vars: &ExtraVars,
        secret_vars: &SecretVars,
        facts: Option<&Facts>,
    ) -> Result<OptionFiles, Error> {
        let at = |what| move |source| Error::Io { what, source };
        self.clear_input().map_err(at("cannot remove what the step before was told"))?;
        let mut files = OptionFiles::default();
        if let Some(password) = vault_password {
            let text = Zeroizing::new(format!("{}\n", password.expose_secret()));
            files.vault_password = Some(
                self.secret(VAULT_PASSWORD, text.as_bytes())
                    .map_err(at("cannot hand over the vault password"))?,
            );
        }
        if !extra_vars.is_empty() || !secret_vars.is_empty() {
            let text = variables(extra_vars, secret_vars);
            files.extra_vars =
                Some(self.secret(EXTRA_VARS, text.as_bytes()).map_err(at("cannot hand over the variables"))?);
        }
        let vault = self.private.join("vault.yml");
        files.vault = vault.exists().then_some(vault);
        self.env_files(options, &files, facts).map_err(at("cannot write the run's settings"))?;
        Ok(files)
    }

    fn clear_input(&self) -> io::Result<()> {
        remove_tree(&self.private.join("env"))?;
        remove_tree(&self.secrets.join("tmp"))?;
        for name in [VAULT_PASSWORD, EXTRA_VARS] {
            match fs::remove_file(self.secrets.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn env_files(
        &self,
        options: &PlaybookOptions,
        files: &OptionFiles,
        facts: Option<&Facts>,
    ) -> io::Result<()> {
        make(&self.private.join("env"))?;
        make(&self.secrets.join("tmp"))?;
        let write = |name: &str, text: &str| {
            new_file(&self.private.join("env").join(name))?.write_all(text.as_bytes())
        };
        let line = command::cmdline(options, files);
        if !line.is_empty() {
            write("cmdline", &line)?;
        }
        write("settings", &command::settings(facts).to_string())
    }

    /// Replaces the command line that ansible-runner reads. The directory was made for this step: nothing of the run was in it.
    pub(crate) fn write_command_line(&self, line: &str) -> io::Result<()> {
        let path = self.private.join("env/cmdline");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => new_file(&path)?.write_all(line.as_bytes()),
        }
    }

    /// Writes programs that ansible-runner starts beside its command line; gives their directory.
    pub(crate) fn write_programs(&self, programs: &[(&str, &str)]) -> io::Result<PathBuf> {
        let directory = self.private.join("env/start");
        make(&directory)?;
        for (name, text) in programs {
            new_file(&directory.join(name))?.write_all(text.as_bytes())?;
        }
        Ok(directory)
    }

    fn secret(&self, name: &str, content: &[u8]) -> io::Result<PathBuf> {
        let path = self.secrets.join(name);
        new_file(&path)?.write_all(content)?;
        Ok(path)
    }

    /// Removes both directories; secrets first.
    ///
    /// # Errors
    /// What removing gives; both are tried.
    pub fn remove(&self) -> io::Result<()> {
        remove_tree(&self.secrets).and(remove_tree(&self.listed))
    }
}

/// All variables as one object.
fn variables(extra_vars: &ExtraVars, secret_vars: &SecretVars) -> Zeroizing<String> {
    let mut all = extra_vars.to_unsafe_json();
    if let (Value::Object(all), Value::Object(secret)) = (&mut all, secret_vars.to_unsafe_json().expose()) {
        all.extend(secret.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Zeroizing::new(SecretValue::new(all).expose().to_string())
}

/// ansible-runner's artifacts, below the directory for secrets.
pub(crate) const ARTIFACTS: &str = "artifacts";
const VAULT_PASSWORD: &str = "vault-password";
const EXTRA_VARS: &str = "extra-vars.json";

/// The file in a directory of secrets that names the run it belongs to.
const OWNER: &str = "run";
/// The longest path that it can hold.
const OWNER_BYTES: u64 = 4096;

/// Removes the secrets below `runtime` that belong to a run below `runs` for which `is_dead` holds; gives how many
/// there were. Secrets of other services, which may share `runtime`, are left alone.
///
/// # Errors
/// When `runtime` cannot be read; one that is not there holds nothing.
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

/// The vault password in a file on tmpfs, for a program that is not a run; removed when dropped, and swept like the
/// secrets of a run when this process is killed before.
#[derive(Debug)]
pub struct PasswordFile {
    directory: PathBuf,
}

impl PasswordFile {
    /// Writes it into a directory of its own below `runtime`, under an id that no run below `runs` has.
    ///
    /// # Errors
    /// When the file cannot be written, or `runtime` belongs to somebody else.
    pub fn create(runtime: &Path, runs: &Path, id: RunId, password: &SecretString) -> io::Result<Self> {
        own_directory(runtime)?;
        let file = Self { directory: runtime.join(id.short()) };
        make(&file.directory)?;
        new_file(&file.directory.join(OWNER))?.write_all(runs.join(id.to_string()).as_os_str().as_bytes())?;
        writeln!(new_file(&file.path())?, "{}", password.expose_secret())?;
        Ok(file)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join(VAULT_PASSWORD)
    }
}

impl Drop for PasswordFile {
    fn drop(&mut self) {
        if let Err(error) = remove_tree(&self.directory) {
            tracing::error!(%error, "a vault password file cannot be removed");
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    DirBuilder::new().mode(0o700).create(path).map_err(named)
}

/// Makes the directory if it is not there; one that somebody else owns, or a link, is refused: it may have
/// been put there to read our secrets.
///
/// # Errors
/// When it is not ours alone, or cannot be made.
pub fn own_directory(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match make(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    let metadata = fs::symlink_metadata(path)?;
    let ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
    if ours && metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    let text = format!("{} is not a directory of this user with mode 0700", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}
