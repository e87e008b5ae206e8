//! The private key of a range is in nothing that the service keeps or sends.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;
use testkit::{Gate, until};

use super::{Range, can_make_machines, lab, service};

/// Prints the key in several ways, and writes it into the content.
const LEAKS: &str = "- hosts: localhost
  gather_facts: false
  vars:
    key: \"{{ found.stdout }}\"
  tasks:
    - ansible.builtin.shell: \"cat {{ runtime }}/*/inventories/*/key\"
      register: found
    - ansible.builtin.debug: {var: key}
    - ansible.builtin.debug: {msg: \"{{ key | b64encode }}\"}
    - ansible.builtin.debug: {msg: \"{{ key.splitlines() }}\"}
    - ansible.builtin.command: {cmd: cat, stdin: \"{{ key }}\"}
      register: printed
    - ansible.builtin.debug: {var: printed.stdout_lines}
    - ansible.builtin.copy: {dest: \"{{ playbook_dir }}/key\", content: \"{{ key }}\", mode: '0600'}
    - name: Wait
      ansible.builtin.wait_for: {path: \"{{ gate }}\", timeout: 300}
- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.fail: {msg: \"{{ hostvars.localhost.printed.stdout }}\"}
";

/// The files below a directory that contain one of these texts.
fn files_with(directory: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files_with(&path, texts)),
            Ok(kind) if kind.is_file() => {
                let bytes = fs::read(&path).unwrap_or_default();
                let has = |text: &&&str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
                if texts.iter().any(|text| has(&text)) {
                    found.push(path.display().to_string());
                }
            }
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn the_private_key_of_a_range_is_in_nothing_that_the_service_keeps_or_sends() {
    if !can_make_machines() {
        return;
    }
    let app = service("process", "warm").set("RANGEHAND__LOG__FILTER", "trace").start();
    let range = Range::create(&app, &lab("lab", 99)).await;
    let gate = Gate::new(&app);
    app.write("playbooks/leaks.yml", LEAKS);
    let vars = json!({"gate": gate.path(), "runtime": app.runtime()});
    let request = json!({"playbook": "leaks", "inventory": ["hosts", range.inventory()], "extra_vars": vars, "verbosity": 4});
    let job = app.submit(&request).await;
    job.until_task("Wait").await;

    let directories = app.secret_directories();
    let [run] = directories.as_slice() else { panic!("{directories:?}") };
    let file = run.join(format!("inventories/range-{}/key", range.id));
    let mode = file.metadata().expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = fs::read_to_string(&file).expect("the test owns it");
    // The first line of its content is the same in all keys, and the second begins with what is public.
    let lines: Vec<&str> = key.lines().skip(3).filter(|line| !line.starts_with("-----")).collect();
    assert!(lines.len() >= 2 && lines[0].len() > 40, "{key}");
    let elsewhere = files_with(app.home(), &lines);
    assert_eq!(elsewhere, Vec::<String>::new(), "while the run is active");

    gate.open();
    let job = job.wait().await;
    assert_eq!(job["state"], "failed", "{job:#}");
    until("the files of the run are removed", || app.secret_directories().is_empty()).await;
    let mut sent = format!("{job:#}{}{}", job.log().await, job.results().await);
    sent.extend(job.events().await.iter().map(ToString::to_string));
    for path in ["", "/inventory", "/machines", "/plan"] {
        let response = app.send(reqwest::Method::GET, &format!("/v1/ranges/{}{path}", range.id), None).await;
        assert!(response.status().is_success(), "{path}");
        sent.push_str(&response.text().await.expect("text"));
    }
    assert!(sent.contains("***"), "it was printed");
    for text in lines.iter().chain(&["PRIVATE KEY"]) {
        assert!(!sent.contains(text), "{text}: {sent}");
    }
    assert_eq!(files_with(app.home(), &lines), Vec::<String>::new());
    assert_eq!(files_with(app.runtime(), &lines), Vec::<String>::new());
    range.destroy().await;
}
