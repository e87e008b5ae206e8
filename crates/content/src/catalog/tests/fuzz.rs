//! Any playbook, valid or not, is scanned or skipped.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use proptest::{prelude::*, string::string_regex, test_runner::Config};

use super::Site;
use crate::{
    catalog::{
        Root,
        scan::{Findings, scan},
        search::SearchPaths,
        yaml,
    },
    toolchain::Toolchain,
};

/// Pieces of playbooks, in any order.
const PIECE: &str = "(hosts|tasks|roles|vars_files|import_playbook|include_tasks|include_role|name|main\\.yml|tasks\\.yml|\
                     \\.\\./x\\.yml|/etc/passwd|a\\.b\\.c|block|tags|- |: |:|\\n|\\n  |\\n    |\\n- |\\n  - |&a |\\*a|<<: |\
                     !vault |\\{\\{ x \\}\\}|\\[|\\]|\\{|\\}|,|'|\"|#|null|é|\\x00)";

fn pieces(before: &str) -> impl Strategy<Value = String> {
    string_regex(&format!("{before}{PIECE}{{0,40}}")).unwrap()
}

fn scanned(site: &Site, text: &str) -> Findings {
    site.write("local/main.yml", text);
    site.write("local/tasks.yml", text);
    let root = Root::open(&site.path("local")).unwrap();
    let toolchain = Toolchain::default();
    let search = SearchPaths::new(&root, &toolchain);
    scan(&root, &search, Path::new("main.yml"))
}

proptest! {
    #![proptest_config(Config { cases: (Config::default().cases / 2).max(4), ..Config::default() })]

    #[test]
    fn any_playbook_is_scanned_or_passed_over(
        text in pieces("- hosts: all\\n  "), free in pieces(""),
    ) {
        let site = Site::new();
        let findings = scanned(&site, &text);
        prop_assert!(findings.plays.len() < 1000);
        let _ = yaml::parse(&free);
    }
}

#[test]
fn a_playbook_that_imports_itself_and_one_that_unfolds_end_in_time() {
    let site = Site::new();
    let mut bomb = String::from("- hosts: &a0 [x, x, x, x, x, x, x, x]\n");
    for level in 1..40 {
        let last = level - 1;
        bomb += &format!("- hosts: &a{level} [*a{last}, *a{last}, *a{last}, *a{last}]\n");
    }
    for text in [
        "- import_playbook: main.yml\n".repeat(50),
        "- hosts: all\n  tasks:\n    - include_tasks: tasks.yml\n    - include_tasks: tasks.yml\n".to_owned(),
        bomb,
        "- block:\n".to_owned()
            + &(0..5000).map(|n| format!("{}- block:\n", " ".repeat(n))).collect::<String>(),
        "[".repeat(200_000),
        "- hosts: all\n  tasks: ".to_owned() + &"[{block: ".repeat(50_000),
    ] {
        let begun = Instant::now();
        scanned(&site, &text);
        assert!(begun.elapsed() < Duration::from_secs(60), "{} took too long", &text[..text.len().min(60)]);
    }
}
