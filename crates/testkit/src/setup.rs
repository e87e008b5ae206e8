//! The setup of a service: its settings, its files, and the command.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::chown,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    files::copy,
    surroundings::{SSH_LAB, bin_dir, fixtures, program},
    tls::install_provider,
};

/// The settings and the home directory of a service that is not started yet.
pub struct Setup {
    home: tempfile::TempDir,
    settings: BTreeMap<String, String>,
    /// What the program is started through.
    through: Vec<String>,
}

impl Setup {
    /// With Ansible, SQLite, and copies of the fixtures.
    #[must_use]
    pub fn new() -> Self {
        Self::with_programs(&bin_dir())
    }

    /// The same with a replacement for ansible-runner that does in milliseconds what variables of the request define. See
    /// `tests/fixtures/fake-runner`.
    #[must_use]
    pub fn without_ansible() -> Self {
        Self::with_programs(&fixtures().join("fake-runner"))
    }

    fn with_programs(programs: &Path) -> Self {
        // The HTTP client of the tests panics without it.
        install_provider();
        let home =
            tempfile::Builder::new().prefix("rangehand-test-").tempdir().expect("a temporary directory");
        for kind in ["playbooks", "inventory"] {
            copy(&fixtures().join(kind), &home.path().join(kind));
        }
        let runtime = Path::new("/dev/shm").join(home.path().file_name().expect("a name"));
        let setup = Self { settings: BTreeMap::new(), home, through: Vec::new() };
        let root = setup.home().to_string_lossy().into_owned();
        setup
            .set("PROJECT_ROOT_DIR", root)
            .set("RANGEHAND__ANSIBLE__BIN_DIR", programs.to_string_lossy())
            .set("RANGEHAND__PATHS__RUNTIME", runtime.to_string_lossy())
            .set("RANGEHAND__RUNS__KILL_GRACE_S", "1")
            .set("RANGEHAND__SERVER__PORT", "0")
            .isolated()
            .executed()
    }

    /// With `RANGEHAND_TEST_EXECUTOR`, every test uses that executor, except for tests that set another one.
    fn executed(self) -> Self {
        match env::var("RANGEHAND_TEST_EXECUTOR") {
            Ok(executor) => self.set("RANGEHAND__ANSIBLE__EXECUTOR", executor),
            Err(_) => self,
        }
    }

    /// Files that tests put next to the playbooks are visible in a sandbox, too. Runs are isolated by default settings, or
    /// according to `RANGEHAND_TEST_ISOLATION`.
    fn isolated(self) -> Self {
        // Of other nodes of the same test, too.
        let homes = env::temp_dir().to_string_lossy().into_owned();
        let setup = self.set("RANGEHAND__RUNS__SANDBOX_WRITABLE", homes);
        let Ok(level) = env::var("RANGEHAND_TEST_ISOLATION") else { return setup };
        let lab = env::var(SSH_LAB).unwrap_or_default();
        setup.set("RANGEHAND__RUNS__ISOLATION", level).set("RANGEHAND__RUNS__SANDBOX_READABLE", lab)
    }

    /// Sets an environment variable of the service.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Hides the control groups from the service, as in many containers. For root only.
    #[must_use]
    pub fn without_control_groups(self) -> Self {
        let script = "umount -R /sys/fs/cgroup && exec \"$0\" \"$@\"";
        self.through(&["unshare", "--mount", "sh", "-c", script])
    }

    /// Starts programs through these words.
    #[must_use]
    pub fn through(mut self, words: &[&str]) -> Self {
        self.through = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Changes the owner of the home to a user, as which these words start programs. For root only.
    #[must_use]
    pub fn run_by(mut self, user: u32, through: Vec<String>) -> Self {
        chown(self.home(), Some(user), Some(user)).expect("root may");
        self.through = through;
        self
    }

    /// The directory that holds `playbooks/`, `inventory/` and, later, `var/`.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The value of a variable that was set.
    pub(crate) fn setting(&self, name: &str) -> &str {
        &self.settings[name]
    }

    /// Writes a file below the home directory, with the directories it needs.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().expect("it is below the home directory")).expect("writable");
        fs::write(path, content).expect("writable");
    }

    /// The command that starts the service, for tests of services that do not start.
    #[must_use]
    pub fn command(&self) -> Command {
        let program = program();
        let program = program.to_str().expect("UTF-8");
        let mut words = self.through.iter().map(String::as_str).chain([program]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command
            .args(words)
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .envs(&self.settings)
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}
