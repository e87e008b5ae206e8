//! The walkthrough of README.md, "Run your own repository", copied line by line: its commands run in a separate shell, in a
//! directory that looks like a checkout, as a user whose home contains only an SSH key.
//!
//! Replaced are the values of the first block, which the README says to replace; downloads and compilation by `start.sh`; and
//! `scp`, which would need a Proxmox node. The SSH host, the Proxmox API, and the service are real or the usual fake.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use testkit::{bin_dir, generated_secret, repository, ssh_lab};

use crate::checkout::checkout;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("writable");
    fs::write(path, text).expect("writable");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the test owns it");
}

/// The `sh` blocks of the chapter, in order.
fn blocks() -> Vec<String> {
    let text = read(&repository("README.md"));
    let chapter =
        text.split("\n## ").find(|part| part.starts_with("Run your own repository")).expect("the walk");
    let blocks = chapter.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.map(str::to_owned).collect()
}

/// The fake Proxmox, ended with its standard input.
struct Pve {
    process: Child,
    host: String,
}

impl Pve {
    fn start(certificate: &Path) -> Self {
        let mut process = Command::new(bin_dir().join("python"))
            .arg("-B")
            .arg(repository("tests/lab/pve.py"))
            .args(["--while-stdin-is-open", "--certificate"])
            .arg(certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the venv has a Python");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let host = line.trim().strip_prefix("pve ready https://").expect("it is ready").to_owned();
        Self { process, host }
    }
}

impl Drop for Pve {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The entries of `/etc/passwd` with another home for this user: SSH reads that and ignores HOME.
fn passwd(user: &str, home: &Path) -> String {
    let text = read(Path::new("/etc/passwd"));
    let lines = text.lines().map(|line| {
        let mut fields: Vec<&str> = line.split(':').collect();
        if fields.get(2) == Some(&user) && fields.len() == 7 {
            fields[5] = home.to_str().expect("UTF-8");
        }
        fields.join(":") + "\n"
    });
    lines.collect()
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// The JSON documents in a text, in order.
fn documents(text: &str) -> Vec<Value> {
    let starts = text
        .match_indices('{')
        .filter(|(at, _)| *at == 0 || text.as_bytes()[at - 1] == b'\n' || text.as_bytes()[at - 1] == b'}');
    let read =
        |(at, _): (usize, &str)| serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next();
    starts.filter_map(read).filter_map(Result::ok).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "a run that shows nothing should say so")]
fn the_walk_of_the_readme_works_when_it_is_copied_line_by_line() {
    let lab = ssh_lab::directory();
    let is_root = rustix::process::geteuid().is_root();
    let unshare: &[&str] =
        if is_root { &["unshare", "--mount"] } else { &["unshare", "--user", "--map-root-user", "--mount"] };
    if !Command::new(unshare[0]).args(&unshare[1..]).arg("true").status().is_ok_and(|status| status.success())
    {
        return println!("skipped: no mount namespace can be had here");
    }
    let directory = tempfile::Builder::new().prefix("rangehand-readme-").tempdir().expect("a directory");
    let place = |name: &str| directory.path().join(name);
    let (home, checkout_directory) = (place("home"), place("rangehand"));
    checkout(&checkout_directory);
    write(&home.join(".ssh/id_ed25519"), &read(&lab.join("client_key")), 0o600);
    fs::set_permissions(home.join(".ssh"), fs::Permissions::from_mode(0o700)).expect("the test owns it");
    write(&place("passwd"), &passwd("0", &home), 0o644);
    let pve = Pve::start(&place("ca.pem"));
    write(&place("bin/scp"), &format!("#!/bin/sh\nexec cp '{}' \"$2\"\n", place("ca.pem").display()), 0o755);

    let hosts = read(&lab.join("hosts.env"));
    let value =
        |name: &str| hosts.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).expect("the lab");
    let port = free_port();
    let mut blocks = blocks();
    assert!(blocks.len() > 5 && blocks[0].contains("host=") && blocks[0].contains("url="), "{blocks:#?}");
    blocks[0] = format!(
        "host={} port={} user=$(id -un) pve={} node=pve1 content=$HOME/my-range url=http://127.0.0.1:{port}\n",
        value("LAB_1_ADDRESS"),
        value("LAB_1_PORT"),
        pve.host,
    );
    // Nothing that a reader would not see: every command must end well, and the service ends with the test.
    let script = format!(
        "set -eu\nmount --bind '{}' /etc/passwd\ntrap 'kill $(jobs -p) && wait' EXIT\n{}",
        place("passwd").display(),
        blocks.concat()
    );
    write(&place("walk.sh"), &script, 0o600);
    let runtime = Path::new("/dev/shm").join(directory.path().file_name().expect("a name"));
    let secret = generated_secret();
    let log = fs::File::create(place("errors")).expect("writable");
    let mut shell = Command::new(unshare[0])
        .args(&unshare[1..])
        .arg("bash")
        .arg(place("walk.sh"))
        .env_clear()
        .env("HOME", &home)
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", place("bin").display()))
        .env("PORT", port.to_string())
        .env("RANGEHAND__PATHS__RUNTIME", &runtime)
        .current_dir(&checkout_directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("there is a shell");
    // What the reader pastes.
    writeln!(shell.stdin.take().expect("a pipe"), "{secret}").expect("it reads");
    let output = shell.wait_with_output().expect("it ends");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let service = fs::read_to_string(checkout_directory.join("rangehand.log")).unwrap_or_default();
    let all = format!("{shown}\n---- errors\n{}\n---- service\n{service}", read(&place("errors")));
    let _ = fs::remove_dir(&runtime);
    assert!(output.status.success(), "{all}");
    assert!(!all.contains(&secret), "the token of Proxmox is shown");
    let replies = documents(&shown);
    let job = replies.iter().find(|reply| reply["state"] == "succeeded").unwrap_or_else(|| panic!("{all}"));
    assert_eq!(job["stats"]["web-1"]["ok"], 2, "{job:#}");
    let machines = replies.iter().find(|reply| reply["rc"] == 0 && reply["result"].is_array());
    let machines = machines.unwrap_or_else(|| panic!("{all}"));
    assert_eq!(machines["result"][0][0]["vm_name"], "admin-wazuh", "{machines:#}");
}
