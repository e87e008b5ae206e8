//! Parses the output of `ansible-playbook --list-tasks --list-tags`.
//!
//! The text is made for people; its shape, from `ansible/cli/playbook.py` of ansible-core 2.19:
//!
//! ```text
//!   play #1 (web,db): name of the play<TAB>TAGS: [one,two]
//!     tasks:
//!       role : name of the task<TAB>TAGS: [one, three, two]
//!       TASK TAGS: [one, three, two]
//! ```
//!
//! Names may hold line breaks, colons and brackets. So the tags are taken from the last tab of a line, and a
//! line without tags belongs to the name that ends on a later line.

use super::{Play, Task};

/// The text between a name and its tags.
const TAGS: &str = "\tTAGS: [";

/// The plays of a listing. `is_role` decides whether the text before a ` : ` is a role.
pub(super) fn parse(text: &str, is_role: impl Fn(&str) -> bool) -> Vec<Play> {
    let mut plays: Vec<Play> = Vec::new();
    let mut pending = String::new();
    for line in text.lines() {
        let Some((head, tags)) = tagged(line) else {
            keep_pending(&mut pending, line);
            continue;
        };
        let head = std::mem::take(&mut pending) + head;
        let tags = sorted(tags);
        if let Some(play) = play(&head) {
            plays.push(Play { tags, ..play });
        } else if let Some(last) = plays.last_mut() {
            let (role, name) = task(head.trim_start(), &is_role);
            last.tasks.push(Task { name, role, tags });
        }
    }
    plays
}

/// Splits a line that ends with tags.
fn tagged(line: &str) -> Option<(&str, &str)> {
    line.strip_suffix(']')?.rsplit_once(TAGS)
}

fn keep_pending(pending: &mut String, line: &str) {
    let start = line.trim_start();
    let is_frame = start.is_empty() || start == "tasks:" || start.starts_with("TASK TAGS: [");
    let is_heading = line.starts_with("playbook: ");
    if is_heading || (is_frame && pending.is_empty()) || (start.starts_with("TASK TAGS: [")) {
        pending.clear();
    } else {
        pending.push_str(line);
        pending.push('\n');
    }
}

fn play(head: &str) -> Option<Play> {
    let rest = head.strip_prefix("  play #")?;
    let (number, rest) = rest.split_once(" (")?;
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hosts, name) = rest.split_once("): ")?;
    Some(Play { name: name.to_owned(), hosts: hosts.to_owned(), tags: Vec::new(), tasks: Vec::new() })
}

fn task(head: &str, is_role: impl Fn(&str) -> bool) -> (Option<String>, String) {
    match head.split_once(" : ") {
        Some((role, name)) if is_role(role) => (Some(role.to_owned()), name.to_owned()),
        _ => (None, head.to_owned()),
    }
}

/// Tags divided by commas; Ansible prints those of a play in no order.
fn sorted(tags: &str) -> Vec<String> {
    let mut tags: Vec<String> =
        tags.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
    tags.sort_unstable();
    tags
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plays_and_tasks_with_awkward_names_are_read_whole() {
        let text = "\nplaybook: main.yml\n\n  play #1 (all:!web): play (one) : tricky\tTAGS: [x]\tTAGS: [p2,p1]\n    \
                    tasks:\n      weird : name\tTAGS: [zz]\tTAGS: [p1, p2]\n      web : in role\tTAGS: [a b, p1]\n      \
                    two\nlines\n\nfour\tTAGS: []\n      TASK TAGS: [a b, p1, p2]\n\n  play #2 (a,b): a,b\tTAGS: []\n    \
                    tasks:\n      TASK TAGS: []\n";
        let plays = parse(text, |name| name == "web");
        let names: Vec<_> = plays.iter().map(|p| (p.hosts.as_str(), p.name.as_str(), p.tags.len())).collect();
        assert_eq!(names, [("all:!web", "play (one) : tricky\tTAGS: [x]", 2), ("a,b", "a,b", 0)]);
        let tasks: Vec<_> = plays[0].tasks.iter().map(|t| (t.role.as_deref(), t.name.as_str())).collect();
        assert_eq!(
            tasks,
            [(None, "weird : name\tTAGS: [zz]"), (Some("web"), "in role"), (None, "two\nlines\n\nfour"),]
        );
        assert_eq!(plays[0].tasks[1].tags, ["a b", "p1"]);
        assert!(plays[1].tasks.is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "([ \\t\\n\\[\\]:,#()a-c]|play #1|TAGS: |tasks:){0,60}") {
            parse(&text, |_| true);
        }
    }
}
