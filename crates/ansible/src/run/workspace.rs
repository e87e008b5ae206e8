//! The private data directory of a run, as ansible-runner defines it, and the place for its secrets.
//!
//! ```text
//! <run>/private              a link to the directory of this name beside the secrets:
//!   env/cmdline, settings    the input of ansible-runner
//!   shipped-roles/           the bundled roles, unless the root has some of these names
//!   vault.yml                the encrypted variables of the setting, as they were at the start of the run
//! <run>/content/             what the run writes into its content, or its copy, when the content is large
//! <runtime>/<short run id>/  mode 0700, on tmpfs: nothing in it ever reaches a disk
//!   vault-password, extra-vars.json
//!   inventories/             generated inventories, with keys for SSH (`generated.rs`)
//!   artifacts/               what ansible-runner keeps: the environment, each event as it is
//!   tmp/                     Ansible's local temporary files: decrypted files of a vault
//!   home/                    the home of the run, with links into that of the user
//!   scratch/                 what is `/tmp` and the like in a sandbox
//!   cp/, pc/                 control sockets of SSH and of persistent connections
//!   content/                 the same when it is small: nothing of it reaches a disk
//!   run                      the run's directory: says whose secrets these are
//! ```

use std::{
    fs,
    io::{self, Write},
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

use content::{
    Source, shipped,
    snapshots::{self, Content, artifacts::Artifacts},
};
use model::{ExtraVars, Redactor, RunId, SecretVars};
use process::{home, mounts::View, untrusted::remove_tree};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use crate::run::{
    command::{self, OptionFiles},
    directory::new_file,
    generated_files,
    runtime::{self, OWNER, VAULT_PASSWORD, make},
    spec::{Facts, PlaybookOptions, RunSpec},
};

/// Why there is no private directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The playbook existed when the job was accepted, and no longer exists.
    #[error("the playbook `{0}` no longer exists")]
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
    source: Source,
    /// Generated inventories with their places among all.
    generated: Vec<(usize, PathBuf)>,
    content: Option<Content>,
    /// What of the content the run does not see, for the user to know.
    pub left_out: Vec<(PathBuf, String)>,
}

impl Workspace {
    /// Says where they will be; makes nothing. `runtime` is the shared parent of all runs' secrets.
    #[must_use]
    pub fn new(private: PathBuf, runtime: &Path, short_id: &str) -> Self {
        let secrets = runtime.join(short_id);
        Self {
            listed: private,
            private: secrets.join("private"),
            secrets,
            source: Source::default(),
            generated: Vec::new(),
            content: None,
            left_out: Vec::new(),
        }
    }

    /// Makes both directories, empty.
    ///
    /// # Errors
    /// When they exist or cannot be made, or the parent of all runs' secrets belongs to another user.
    pub fn create(&self) -> Result<(), Error> {
        let at = |what| move |source| Error::Io { what, source };
        let runtime = self.secrets.parent().unwrap_or(&self.secrets);
        runtime::own_directory(runtime).map_err(at("cannot use the runtime directory"))?;
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

    /// Where the directories are that are empty when a run in a sandbox begins.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.secrets.join("scratch")
    }

    /// Where ansible-runner keeps what it wants to keep.
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.secrets.join(ARTIFACTS)
    }

    /// The bundled roles, as far as the playbooks root has none of these names; there when there are any.
    #[must_use]
    pub fn shipped_roles(&self) -> PathBuf {
        self.private.join("shipped-roles")
    }

    /// The last inventory; those before it are passed as options.
    #[must_use]
    pub fn last_inventory(&self) -> PathBuf {
        self.inventories().pop().unwrap_or_default()
    }

    /// Where the run has what lies at this path of the content.
    #[must_use]
    pub fn place(&self, path: &Path) -> PathBuf {
        self.content.as_ref().map_or_else(|| path.to_owned(), |content| content.place(path))
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

    /// Takes the content as it is now, and makes what the run sees of it: what is written goes to memory when the content is
    /// small, otherwise onto the disk of the state.
    ///
    /// # Errors
    /// When something that the run needs is not there or cannot be read.
    pub fn fill<'a>(
        &mut self,
        source: &Source,
        options: &snapshots::Options,
        playbooks: impl IntoIterator<Item = &'a Path>,
    ) -> Result<(), Error> {
        let at = |what| move |source| Error::Io { what, source };
        make(&self.private).map_err(at("cannot make the private directory"))?;
        symlink(&self.private, &self.listed).map_err(at("cannot link the private directory"))?;
        let mut content = Content::take(source, options, self.secrets.parent().unwrap_or(&self.secrets))
            .map_err(at("cannot take a snapshot of the content"))?;
        self.left_out = content.left_out(&source.working_directory);
        // Twice: the run needs room of its own, and so do others.
        let fits = content.bytes() <= source.in_memory_bytes
            && runtime::has_memory(&self.secrets, 2 * source.in_memory_bytes);
        let room = if fits { &self.secrets } else { self.run() }.join(ROOM);
        content.lay_out(room).map_err(at("cannot lay out the content"))?;
        let project = content.at(&source.working_directory);
        if let Some(gone) = playbooks.into_iter().find(|playbook| !project.join(playbook).is_file()) {
            return Err(Error::PlaybookGone(gone.to_owned()));
        }
        let is_without = source.inventories.is_empty() && self.generated.is_empty();
        if is_without || !source.inventories.iter().all(|path| content.at(path).exists()) {
            return Err(Error::NoInventory);
        }
        shipped::add_roles(&project, &self.shipped_roles()).map_err(at("cannot write the bundled roles"))?;
        if let Some(vault) = &source.vault {
            fs::copy(vault, self.private.join("vault.yml")).map_err(at("cannot copy the vault file"))?;
        }
        self.source = source.clone();
        self.content = Some(content);
        Ok(())
    }

    /// Writes inventories that are generated for the run, with their keys, to tmpfs.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write_generated(&mut self, spec: &RunSpec) -> Result<(), Error> {
        let written = generated_files::write(&self.secrets, &spec.generated, &spec.environment);
        let failed = |source| Error::Io { what: "cannot write the generated inventories", source };
        self.generated = written.map_err(failed)?;
        Ok(())
    }

    /// The directory of the run.
    fn run(&self) -> &Path {
        self.listed.parent().unwrap_or(&self.listed)
    }

    /// What the run's process has to enter to see its content. Where that cannot be said, copies are made instead.
    ///
    /// # Errors
    /// When neither can be had.
    pub(crate) fn view(&mut self, needed: &[PathBuf]) -> io::Result<Option<View>> {
        let scratch = self.secrets.join("view");
        let Some(content) = &mut self.content else { return Ok(None) };
        let view = content.view(needed, &scratch)?;
        if view.is_none() {
            content.ensure_copies()?;
        }
        Ok(view)
    }

    /// Copies instead of an overlay that cannot be had.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(crate) fn fall_back(&mut self) -> io::Result<()> {
        self.content.as_mut().map_or(Ok(()), Content::ensure_copies)
    }

    /// Where Ansible is started.
    #[must_use]
    pub fn working_directory(&self) -> PathBuf {
        self.place(&self.source.working_directory)
    }

    /// The same as this process finds it.
    #[must_use]
    pub fn working_directory_here(&self) -> PathBuf {
        let directory = &self.source.working_directory;
        self.content.as_ref().map_or_else(|| directory.clone(), |content| content.at(directory))
    }

    /// What of the run's own directories is not for the run.
    pub(crate) fn hidden_room(&self) -> Option<&Path> {
        // Elsewhere a sandbox does not show it in any case.
        let room = self.content.as_ref().and_then(Content::hidden_room);
        room.filter(|room| room.starts_with(&self.secrets))
    }

    /// The directories that the run has its content in.
    #[must_use]
    pub fn content_roots(&self) -> Vec<PathBuf> {
        self.content.as_ref().map(Content::roots).unwrap_or_default()
    }

    /// The inventories, as the run sees them.
    fn inventories(&self) -> Vec<PathBuf> {
        let of_content = self.source.inventories.iter().map(|path| self.place(path)).collect();
        generated_files::merged(of_content, &self.generated)
    }

    /// Keeps what the run wrote into its content. Returns what was written and is not kept, and what another run wrote
    /// meanwhile.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(crate) fn keep_written(
        &self,
        run: RunId,
        options: &snapshots::Options,
        secrets: &Redactor,
    ) -> io::Result<(Artifacts, Vec<PathBuf>)> {
        match &self.content {
            Some(content) => content.keep(run, &self.source.working_directory, options, secrets),
            None => Ok((Artifacts::default(), Vec::new())),
        }
    }

    /// Writes the input of ansible-runner, secrets to tmpfs. The input of the previous step is removed.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write_input(
        &self,
        options: &PlaybookOptions,
        vault_password: Option<&SecretString>,
        extra_vars: &ExtraVars,
        secret_vars: &SecretVars,
        facts: Option<&Facts>,
    ) -> Result<OptionFiles, Error> {
        let at = |what| move |source| Error::Io { what, source };
        self.clear_input().map_err(at("cannot remove the input of the previous step"))?;
        let mut inventories = self.inventories();
        // The last one is passed in another way.
        inventories.pop();
        let mut files = OptionFiles { inventories, ..OptionFiles::default() };
        if let Some(password) = vault_password {
            let text = Zeroizing::new(format!("{}\n", password.expose_secret()));
            files.vault_password = Some(
                self.secret(VAULT_PASSWORD, text.as_bytes())
                    .map_err(at("cannot hand over the vault password"))?,
            );
        }
        if !extra_vars.is_empty() || !secret_vars.is_empty() {
            let text = command::variables(extra_vars, secret_vars);
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

    /// Writes programs that ansible-runner starts. Returns their directory.
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

    /// Removes both directories, secrets first.
    ///
    /// # Errors
    /// When removing one fails. Both are tried.
    pub fn remove(&self) -> io::Result<()> {
        let removed = [&self.secrets, &self.run().join(ROOM), &self.listed].map(|path| remove_tree(path));
        removed.into_iter().collect()
    }
}

/// Where what the run writes into its content is, or its copy of that.
const ROOM: &str = "content";
/// ansible-runner's artifacts, below the directory for secrets.
pub(crate) const ARTIFACTS: &str = "artifacts";
const EXTRA_VARS: &str = "extra-vars.json";
