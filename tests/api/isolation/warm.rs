//! Runs that are forked from one process share only what was imported before.

use serde_json::json;

use super::{can_sandbox, in_process, in_sandbox};

/// A filter that leaves a mark in the Python that it runs in, and writes down whether one was there.
const FILTER: &str = r#"import builtins, os

def mark(value, path):
    with open(path, "a") as seen:
        seen.write(f"{os.getpid()} {hasattr(builtins, 'mark_of_a_run')} {os.environ.get('MARK_OF_A_RUN')}\n")
    builtins.mark_of_a_run = True
    os.environ["MARK_OF_A_RUN"] = "left"
    return value

class FilterModule:
    def filters(self):
        return {"mark": mark}
"#;

#[tokio::test]
async fn changes_of_a_run_to_its_python_end_with_it() {
    let app = in_process().set("RANGEHAND__ANSIBLE__EXECUTOR", "warm").start();
    let seen = app.home().join("seen");
    // What names the hosts of a play is evaluated by the process that the others are forked from.
    let play = format!(
        "- hosts: \"{{{{ 'localhost' | mark('{}') }}}}\"\n  gather_facts: false\n  tasks: [{{ansible.builtin.debug: {{msg: done}}}}]\n",
        seen.display()
    );
    app.write("playbooks/bundles/marking/filter_plugins/mark.py", FILTER);
    app.write("playbooks/bundles/marking/main.yml", &format!("{play}{play}"));
    for number in 0..3 {
        let job = app.run(&json!({"bundle": "marking"})).await;
        assert_eq!((&job["state"], &job["executor"]), (&json!("succeeded"), &json!("warm")), "{job:#}");
        let text = std::fs::read_to_string(&seen).expect("something was written");
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
        assert_eq!(lines[0][1..], ["False", "None"], "run {number} began with the mark of another: {text}");
        let marked = lines.iter().any(|line| line[0] == lines[0][0] && line[1..] == ["True", "left"]);
        assert!(marked, "nothing would have been seen: {text}");
        std::fs::remove_file(&seen).expect("it is there");
    }
}

#[tokio::test]
async fn a_process_with_ansible_imported_runs_in_a_sandbox() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().set("RANGEHAND__ANSIBLE__EXECUTOR", "warm").start();
    for _ in 0..2 {
        let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
        assert_eq!((&job["state"], &job["executor"]), (&json!("succeeded"), &json!("warm")), "{job:#}");
        assert_eq!(job["warnings"], json!(null), "{job:#}");
    }
}
