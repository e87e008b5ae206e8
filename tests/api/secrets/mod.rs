//! Secrets: they work where they are needed, and occur nowhere else.

mod canary;
mod keys;
mod variables;
mod vault;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use testkit::{Gate, Job, TestApp, bin_dir, until};

/// Encrypts a text with the real ansible-vault.
fn encrypt(home: &Path, password: &str, text: &str) -> String {
    let (plain, key) = (home.join("plain.yml"), home.join("key"));
    fs::write(&plain, text).expect("writable");
    fs::write(&key, password).expect("writable");
    let output = Command::new(bin_dir().join("ansible-vault"))
        .args(["encrypt", "--output", "-", "--vault-password-file"])
        .args([&key, &plain])
        .env("HOME", home)
        .output()
        .expect("there is an ansible-vault");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::remove_file(plain).expect("the test owns it");
    fs::remove_file(key).expect("the test owns it");
    String::from_utf8(output.stdout).expect("text")
}

/// Runs the bundle `gate` up to its gate.
async fn at_the_gate(app: &TestApp, gate: &Gate) -> Job {
    // Verbose, so that more is printed that could hold a secret.
    let vars = json!({"gate": gate.path()});
    let request = json!({"bundle": "gate", "limit": "localhost", "verbosity": 4, "extra_vars": vars});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    job
}

/// The processes in whose command line or environment a secret can be read.
fn processes_that_show(secret: &str) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").expect("there is a /proc").flatten().map(|entry| entry.path());
    let shows = |process: &PathBuf, file| contains(&process.join(file), secret);
    processes.filter(|process| shows(process, "cmdline") || shows(process, "environ")).collect()
}

fn assert_on_tmpfs_only(app: &TestApp, secret: &str) {
    assert_private_on_tmpfs(app, secret);
    assert_eq!(files_with(&app.home().join("var"), secret), Vec::<PathBuf>::new());
}

/// Asserts that the file of the run with the secret is private and on tmpfs: mode 0600, in a directory of mode 0700. For a
/// moment there can be another one, of the inspection that computes the progress of the run.
fn assert_private_on_tmpfs(app: &TestApp, secret: &str) {
    let files = files_with(app.runtime(), secret);
    assert!(!files.is_empty(), "the run has it from a file");
    let mode = |path: &Path| path.metadata().map(|found| found.permissions().mode() & 0o777).ok();
    for file in files.iter().filter(|file| file.exists()) {
        assert!(matches!(mode(file), Some(0o600) | None), "{}", file.display());
        assert!(
            matches!(mode(file.parent().expect("a directory")), Some(0o700) | None),
            "{}",
            file.display()
        );
    }
    // TMPFS_MAGIC of statfs(2).
    assert_eq!(rustix::fs::statfs(app.runtime()).expect("it is there").f_type, 0x0102_1994);
}

/// After the run: not in the database, the spool, a log or an answer, not on tmpfs, and in no directory of a run.
async fn assert_nowhere(app: &TestApp, job: &Job, secret: &str) {
    until("the run's directory is deleted", || app.run_directories().is_empty()).await;
    until("no file on tmpfs holds the secret", || files_with(app.runtime(), secret).is_empty()).await;
    assert_eq!(files_with(&app.home().join("var"), secret), Vec::<PathBuf>::new());
    assert!(!app.log().contains(secret), "in the service's log");
    assert!(!Value::from(job.events().await).to_string().contains(secret), "in the events");
    assert!(!job.log().await.contains(secret), "in the job's log");
}

/// The files below a directory that hold a secret.
fn files_with(directory: &Path, secret: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        match kind {
            Ok(kind) if kind.is_dir() => found.extend(files_with(&path, secret)),
            // Not sockets and pipes: opening one can block indefinitely.
            Ok(kind) if kind.is_file() && contains(&path, secret) => found.push(path),
            _ => {}
        }
    }
    found
}

fn contains(file: &Path, secret: &str) -> bool {
    let bytes = fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes).contains(secret)
}
