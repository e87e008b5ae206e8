//! How far runs are kept from one another, from the settings.

use std::path::{Path, PathBuf};

use content::Toolchain;
use model::Isolation;
use process::Sandbox;

use super::{
    Runs,
    isolation::{IsolationLevel, SshKeys},
};

/// Why the required isolation is not available.
#[derive(Debug, thiserror::Error)]
pub enum NoSandbox {
    /// The program that creates sandboxes is missing.
    #[error(
        "`runs.isolation` is `sandbox`, and `bwrap` is not in PATH\nhint: install it (Debian: apt install \
         bubblewrap), or set `runs.isolation` to `process`"
    )]
    NoProgram,
    /// The program exists but does not work.
    #[error(
        "`runs.isolation` is `sandbox`, and a sandbox cannot be created on this machine: {0}\nhint: an ordinary user needs user \
         namespaces, in a container too; docs/isolation.md says what else may be missing"
    )]
    Fails(String),
}

impl Runs {
    /// How sandboxes are made, if bubblewrap is there.
    #[must_use]
    pub fn sandbox(&self, toolchain: &Toolchain) -> Option<Sandbox> {
        Some(Sandbox {
            program: toolchain.program("bwrap")?,
            network: self.sandbox_network,
            ssh_keys: match self.sandbox_ssh_keys {
                SshKeys::Auto => self.isolation == IsolationLevel::Auto,
                SshKeys::Visible => true,
                SshKeys::Hidden => false,
            },
            readable: self.sandbox_readable.clone(),
            writable: self.sandbox_writable.clone(),
        })
    }

    /// The same for the engine, with a file that runs may need besides. Makes a sandbox to see whether that works, unless none
    /// is wanted.
    ///
    /// # Errors
    /// When settings want a sandbox that cannot be made.
    pub fn isolation_options(
        &self,
        toolchain: &Toolchain,
        ca_file: Option<&Path>,
    ) -> Result<engine::IsolationOptions, NoSandbox> {
        let sandbox = self.sandbox(toolchain).map(|sandbox| Sandbox {
            readable: sandbox
                .readable
                .iter()
                .map(PathBuf::as_path)
                .chain(ca_file)
                .map(Path::to_owned)
                .collect(),
            ..sandbox
        });
        let works = || {
            let sandbox = sandbox.as_ref().ok_or(NoSandbox::NoProgram)?;
            sandbox.probe().map_err(NoSandbox::Fails)
        };
        let least = match self.isolation {
            IsolationLevel::Process => Isolation::Process,
            IsolationLevel::Sandbox => works().map(|()| Isolation::Sandbox)?,
            IsolationLevel::Auto => works().map_or_else(
                |error| {
                    tracing::warn!(%error, "runs have no sandbox: `runs.isolation` is `auto`, and a sandbox cannot be created");
                    Isolation::Process
                },
                |()| Isolation::Sandbox,
            ),
        };
        Ok(engine::IsolationOptions {
            least,
            required: match self.isolation {
                IsolationLevel::Sandbox => Isolation::Sandbox,
                IsolationLevel::Process | IsolationLevel::Auto => Isolation::Process,
            },
            sandbox,
            always: process::Isolation {
                sandbox: None,
                private_home: self.private_home,
                no_new_privileges: self.no_new_privileges,
                open_files: self.open_files_max,
                file_bytes: self.file_max_bytes,
            },
        })
    }
}
