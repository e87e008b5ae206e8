//! The database of a command: the one that the service uses. It is shown, and never created.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use testkit::{
    Postgres, Setup, TestApp,
    access::{run, with_tokens},
    program,
};

/// Commands that need a store.
const COMMANDS: &[&[&str]] = &[
    &["token", "create", "--name", "ci", "--role", "admin"],
    &["token", "list"],
    &["token", "revoke", "0123456789ab"],
    &["audit", "verify"],
    &["audit", "list"],
    &["keys", "list"],
    &["keys", "rotate"],
];

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn left(directory: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable").file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[test]
fn a_command_in_a_directory_without_a_store_is_refused_and_creates_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    for arguments in COMMANDS {
        let output = Command::new(program())
            .args(*arguments)
            .env_clear()
            .env("HOME", directory.path())
            .current_dir(directory.path())
            .output()
            .expect("the program runs");
        let said = text(&output);
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}: {said}");
        let file = directory.path().canonicalize().expect("there").join("var/rangehand.db");
        assert!(said.contains(file.to_str().expect("UTF-8")) && said.contains("hint: "), "{said}");
        assert_eq!(left(directory.path()), Vec::<String>::new(), "{arguments:?}");
    }
}

#[test]
fn a_database_of_another_program_or_an_empty_file_is_no_store() {
    for content in ["", "not a database at all, but long enough to be looked at"] {
        let setup = Setup::without_ansible();
        setup.write("var/rangehand.db", content);
        for arguments in COMMANDS {
            let output = setup.command().args(*arguments).output().expect("the program runs");
            assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}: {}", text(&output));
        }
        assert_eq!(fs::read_to_string(setup.home().join("var/rangehand.db")).expect("there"), content);
        assert_eq!(left(&setup.home().join("var")), ["rangehand.db"]);
    }
}

#[test]
fn a_postgresql_database_without_tables_is_no_store() {
    let Some(database) = Postgres::create() else { return };
    let setup = Setup::without_ansible().set("RANGEHAND__STORE__URL", database.url());
    for arguments in COMMANDS.iter().chain(&[&["doctor"][..]]) {
        let output = setup.command().args(*arguments).output().expect("the program runs");
        let said = text(&output);
        assert!(arguments == &["doctor"] || !output.status.success(), "{arguments:?}: {said}");
    }
    let output = setup.command().args(["token", "list"]).output().expect("the program runs");
    assert!(text(&output).contains("there is no database"), "the doctor created none: {}", text(&output));
}

#[tokio::test]
async fn a_command_shows_the_store_and_leaves_the_token_alone_on_standard_output() {
    let app = with_tokens(Setup::without_ansible());
    let output = run(&app, &["token", "create", "--name", "ci", "--role", "viewer"]);
    let shown = String::from_utf8_lossy(&output.stderr);
    let file = app.home().canonicalize().expect("there").join("var/rangehand.db");
    assert!(shown.contains(&format!("store: sqlite://{}", file.display())), "{shown}");
    let token = String::from_utf8(output.stdout).expect("text");
    assert_eq!((token.trim().len(), token.lines().count()), (80, 1));
}

fn records(app: &TestApp) -> String {
    text(&run(app, &["audit", "list"]))
}

#[tokio::test]
async fn a_rotation_of_the_keys_is_in_the_audit() {
    let app = TestApp::without_ansible();
    assert!(run(&app, &["keys", "list"]).status.success());
    assert!(!records(&app).contains("keys"), "a list changes nothing");
    assert!(run(&app, &["keys", "rotate"]).status.success());
    let found = records(&app);
    let record = found.lines().find(|line| line.contains("keys rotate")).unwrap_or_else(|| panic!("{found}"));
    assert!(record.contains("uid:") && record.contains("secrets.key"), "{record}");
    assert!(run(&app, &["audit", "verify"]).status.success());
}

#[test]
fn an_address_to_listen_on_is_taken_by_serve_alone() {
    let setup = Setup::without_ansible();
    for option in ["--host", "--port"] {
        for arguments in
            [&["token", "list"][..], &["doctor"], &["worker"], &["audit", "verify"], &["keys", "list"]]
        {
            let output =
                setup.command().args(arguments).args([option, "1"]).output().expect("the program runs");
            assert_eq!(output.status.code(), Some(2), "{arguments:?} {option}: {}", text(&output));
            let help =
                setup.command().args(&arguments[..1]).arg("--help").output().expect("the program runs");
            assert!(!text(&help).contains(option), "{arguments:?}");
        }
        let help = setup.command().args(["serve", "--help"]).output().expect("the program runs");
        assert!(text(&help).contains(option));
    }
}
