//! The tutorial of `docs/ranges.md`: its commands run in order, and print what the page says. IDs, times, and durations may differ.
//!
//! `UPDATE_DOCS=1 cargo nextest run --test http tutorial` writes the outputs into the page.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use regex::Regex;
use testkit::{TestApp, program, repository};

use super::service;

/// A command of the page, and what it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    command: String,
    output: String,
}

/// The parts of the page: text that stays, and blocks of commands.
fn parts(page: &str) -> Vec<(String, Vec<Step>)> {
    let mut parts = Vec::new();
    for part in page.split("```console\n") {
        let Some((block, rest)) = part.split_once("```\n").filter(|_| !parts.is_empty()) else {
            parts.push((part.to_owned(), Vec::new()));
            continue;
        };
        let commands = block.split("$ ").filter(|step| !step.is_empty());
        let step = |step: &str| {
            let (command, output) = step.split_once('\n').unwrap_or((step, ""));
            Step { command: command.to_owned(), output: output.to_owned() }
        };
        let steps = commands.map(step).collect();
        parts.push((rest.to_owned(), steps));
    }
    parts
}

/// Puts the page together again.
fn page(parts: &[(String, Vec<Step>)]) -> String {
    let part = |(place, (rest, steps)): (usize, &(String, Vec<Step>))| {
        let steps: String = steps.iter().map(|step| format!("$ {}\n{}", step.command, step.output)).collect();
        if place == 0 { rest.clone() } else { format!("```console\n{steps}```\n{rest}") }
    };
    parts.iter().enumerate().map(part).collect()
}

/// Replaces what differs each time.
fn comparable(output: &str) -> String {
    let replaced = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"\[ *[0-9hms ]+\]", "[TIME]"),
        (r" in [0-9]+(ms|s|m [0-9]+s)", ""),
        // Both follow from the durations of earlier steps.
        (r"(?m)^(Estimated time: |Critical path: ) .*$", "$1"),
    ];
    let text = replaced.iter().fold(output.to_owned(), |text, (pattern, with)| {
        Regex::new(pattern).expect("a pattern").replace_all(&text, *with).into_owned()
    });
    // Steps that don't need each other come in any order, and a step that is short may be seen only when it is done.
    let (mut lines, mut progress): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match line.starts_with("[TIME]") {
            true if line.contains("] started ") => {}
            true => progress.push(line),
            false => lines.push(line),
        }
    }
    progress.sort_unstable();
    [lines, progress].concat().join("\n")
}

fn run(app: &TestApp, command: &str) -> String {
    let command = command.replace("http://127.0.0.1:8000", app.address());
    let path = format!("{}:/usr/bin:/bin", app.home().join("bin").display());
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(app.home())
        .env_clear()
        .env("PATH", path)
        .env("RANGEHAND_URL", app.address())
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let text =
        String::from_utf8(output.stdout).expect("UTF-8").replace(app.address(), "http://127.0.0.1:8000");
    if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_tutorial_print_what_the_page_says() {
    let path = repository("docs/ranges.md");
    let text = fs::read_to_string(&path).expect("the page");
    let is_update = std::env::var_os("UPDATE_DOCS").is_some();
    // The page shows usual times.
    let app = if is_update { TestApp::without_ansible() } else { service() };
    fs::create_dir(app.home().join("bin")).expect("writable");
    symlink(program(), app.home().join("bin/rangehand")).expect("writable");
    let document = text.split("```yaml\n# lab.yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    app.write("lab.yaml", document.expect("the document"));
    let mut parts = parts(&text);
    let commands = parts.iter().map(|(_, steps)| steps.len()).sum::<usize>();
    assert!(commands > 10, "the commands are no longer found: {commands}");
    for step in parts.iter_mut().flat_map(|(_, steps)| steps) {
        let printed = run(&app, &step.command);
        if is_update {
            step.output = printed;
        } else {
            assert_eq!(comparable(&printed), comparable(&step.output), "$ {}", step.command);
        }
    }
    if is_update {
        fs::write(&path, page(&parts)).expect("writable");
    }
}

#[test]
fn a_page_is_put_together_as_it_was() {
    let text = fs::read_to_string(repository("docs/ranges.md")).expect("the page");
    assert_eq!(page(&parts(&text)), text);
}
