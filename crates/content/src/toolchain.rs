//! The installation of Ansible to use, and the environment for its programs.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Where Ansible's programs are, and the environment that they get.
///
/// The environment is built from scratch: that of the service doesn't leak into a run, except for variables that a setting
/// passes on.
#[derive(Debug, Clone, Default)]
pub struct Toolchain {
    /// The directory of `ansible-playbook` and `ansible-runner`; `None` leaves the search to `PATH`.
    pub bin_dir: Option<PathBuf>,
    /// Environment variables for every program, `PATH` excepted.
    pub environment: BTreeMap<String, String>,
    /// The search path for programs, [`Self::bin_dir`] excepted.
    pub path: OsString,
}

impl Toolchain {
    /// The program to execute for a name such as `ansible-runner`, or `None` when there is none.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.search_path().map(|directory| directory.join(name)).find(|program| is_executable(program))
    }

    /// The environment as pairs, `PATH` included.
    pub fn variables(&self) -> impl Iterator<Item = (OsString, OsString)> + '_ {
        let path = std::env::join_paths(self.search_path()).unwrap_or_default();
        self.environment
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .chain([(OsString::from("PATH"), path)])
    }

    /// The home directory for programs.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.environment.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
    }

    fn search_path(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.bin_dir.iter().cloned().chain(std::env::split_paths(&self.path))
    }
}

fn is_executable(program: &Path) -> bool {
    program.is_file() && rustix::fs::access(program, rustix::fs::Access::EXEC_OK).is_ok()
}

/// The environment variables that name directories to an Ansible program.
///
/// `short` is a directory whose path leaves room for a socket name in AF_UNIX's 107 bytes. A control path of
/// its own keeps a run from using another run's SSH connection, which would hide a changed host key.
#[must_use]
pub fn private_places(short: &Path) -> [(&'static str, OsString); 3] {
    [
        // Files of a vault are decrypted there before they are sent.
        ("ANSIBLE_LOCAL_TEMP", short.join("tmp").into()),
        ("ANSIBLE_PERSISTENT_CONTROL_PATH_DIR", short.join("pc").into()),
        ("ANSIBLE_SSH_CONTROL_PATH_DIR", short.join("cp").into()),
    ]
}
