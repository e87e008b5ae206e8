//! A project in a separate directory, and the program in it.

use std::{
    ffi::OsString,
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use rangehand::settings::{CommandLine, Environment, Error, Inputs, Loaded, Settings};
use tempfile::TempDir;

/// A separate project, and the arguments and environment with which the service is started in it.
pub(crate) struct Project {
    pub(crate) directory: TempDir,
    variables: Vec<(String, String)>,
    pub(crate) command_line: CommandLine,
}

impl Project {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, variables: Vec::new(), command_line: CommandLine::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.variables.push((variable.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn with_file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// A settings file that is found without being named.
    pub(crate) fn with_settings(self, text: &str) -> Self {
        self.with_file("rangehand.toml", text)
    }

    pub(crate) fn environment(&self) -> Environment {
        self.variables.iter().cloned().collect()
    }

    pub(crate) fn load(&self) -> Result<Loaded, Error> {
        Settings::load(&Inputs {
            environment: self.environment(),
            directory: self.directory.path().to_owned(),
            executable: None,
            cores: 3,
            memory: None,
            command_line: self.command_line.clone(),
        })
    }

    pub(crate) fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The value and the origin of a key as `doctor` shows them.
    pub(crate) fn shown(&self, key: &str) -> (String, String) {
        let rows = self.loaded().rows();
        let row = rows.iter().find(|row| row.key == key).unwrap_or_else(|| panic!("no row for {key}"));
        (row.text(), row.origin.to_string())
    }

    pub(crate) fn refusal(&self) -> String {
        self.load().expect_err("the settings should be refused").to_string()
    }

    /// `rangehand doctor` in this project.
    pub(crate) fn doctor(&self, arguments: &[&str]) -> Output {
        self.run(&[], &[&["doctor"], arguments].concat())
    }

    /// The program, started through these words, under a path that has no virtual environment above it, with nothing in its
    /// environment but what the project sets. A hard link and not a copy: a file that was just written may be "busy" because
    /// another test is starting a process at the same time.
    pub(crate) fn run(&self, words: &[&str], arguments: &[&str]) -> Output {
        let away = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let program = away.path().join("four/levels/down/rangehand");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::hard_link(env!("CARGO_BIN_EXE_rangehand"), &program).unwrap();
        let program = program.into_os_string();
        let mut words: Vec<OsString> = words.iter().map(|word| OsString::from(*word)).collect();
        words.push(program);
        Command::new(&words[0])
            .args(&words[1..])
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap()
    }
}

/// What a program printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
