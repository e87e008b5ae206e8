//! Plain English: phrases and names that are not to be used, in every text file of the repository.
//!
//! `tests/english_allowed.tsv` has for each file how many of them it still contains. The numbers only shrink: a file with more
//! fails, and so does a file with fewer, until its number is lowered. `UPDATE_ENGLISH=1 cargo test --test english` lowers the
//! numbers, and follows files that were moved; it refuses to raise the total.
//!
//! `ENGLISH_REPORT=1 cargo test --test english -- --nocapture` prints each occurrence, and counts by phrase.

#![allow(clippy::unwrap_used, reason = "a failed test shows the line")]
#![allow(clippy::print_stdout, reason = "the report is the output of the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
};

use regex::{Match, Regex, RegexBuilder};

/// What is not to be used, as a regular expression between word boundaries, and what to write instead.
const BANNED: &[(&str, &str)] = &[
    ("told|tells?", "reported, logged, returned, passed; reports, returns"),
    ("nobody|no one", "no client, no process: name the actor"),
    ("somebody|anybody|everybody|whoever", "the client, caller, operator, process: name the actor"),
    ("(?:is|are) none", "is invalid, does not exist"),
    ("who calls", "the client, the caller"),
    ("gives", "returns, contains, passes"),
    ("comes with us|of ours|ours", "Rangehand's, bundled"),
    ("anew", "again; re-encrypted"),
    ("for ever", "indefinitely"),
    ("at work", "running, active"),
    ("goes on|go on|going on|went on", "continues"),
    ("takes? up again|taken up", "reattaches, recovered"),
    ("hears?|heard", "receives; renews its lease"),
    ("let in|lets in", "authenticated, authorized"),
    ("believed?|believes", "trusted"),
    ("strangers?", "unauthenticated clients, untrusted origins"),
    ("written down", "recorded, logged"),
    ("in clear", "in plaintext"),
    ("take back|taken back", "revoke"),
    ("sealed", "encrypted"),
    ("looks? (?:in|into|at|again|up|whether|for)", "reads, inspects, polls, queries"),
    ("is gone|are gone", "no longer exists, is deleted, has exited"),
    ("a free place|free places?", "a free slot, capacity"),
    ("ended by us", "terminated by Rangehand"),
    ("who may|which may", "who can; a role"),
    // The same words in names, such as those of tests.
    (
        r"\w+_(?:told|nobody|whoever|somebody|everybody|strangers?)(?:_\w+)?|(?:told|nobody|whoever|somebody)_\w+",
        "name the fact and the actor",
    ),
    // Names that were renamed.
    ("at_work", "running"),
    ("left_out_of_the_private_directory", "omitted"),
    ("(?:failures|results|tasks)_left_out", "*_omitted"),
    ("i_know_what_i_do", "allow_unauthenticated"),
    ("open_metrics", "allow_unauthenticated_metrics"),
    ("cancel_when_caller_leaves", "cancel_on_disconnect"),
    ("max_at_once", "max_concurrent"),
    ("keep_audit_records", "keep_audit_entries"),
    ("own_memory", "hardening"),
    ("take_upon", "apply_limits"),
    ("Patience", "Backoff"),
];

/// What contains a banned phrase and is allowed: ordinary English, Python (`is None`, the method `tell`), the Unix user `nobody`, and
/// values and keys of interfaces and of formats on disk.
const EXCEPTED: &str = concat!(
    r"\bthere (?:is|are) none\b|\bgives up\b|(?-i:\bis None\b)|\.tell\(\)",
    r#"|[`"=]nobody\b|['"]anybody\b|"at_work"|"(?:failures|results|tasks)_left_out""#,
);

/// Extensions of text files that have prose.
const EXTENSIONS: &[&str] =
    &["rs", "md", "toml", "yml", "yaml", "sh", "py", "json", "js", "html", "ts", "tsx", "css"];

/// Files that are not written here, that are generated from checked files, or that list old names on purpose.
const SKIPPED: &[&str] = &[
    "playbooks/",
    "inventory/",
    "web/vendor/",
    "web/app/dist/",
    "web/app/package-lock.json",
    "tests/fixtures/",
    "crates/store/tests/fixtures/",
    "curl_utils/",
    "openapi.json",
    "kong.yml",
    "docs/settings.md",
    "docs/renamed.md",
    "crates/api/src/renamed.rs",
    "src/settings/renamed.rs",
    "tests/settings/renamed.rs",
    "tests/english.rs",
];

const ALLOWED: &str = "tests/english_allowed.tsv";

const HEAD: &str = "# How many phrases of tests/english.rs a file still contains. The numbers only shrink.\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every tracked text file that is checked, as a path relative to the root.
fn files() -> Vec<String> {
    let mut git = Command::new("git");
    let output = git
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let output = output.expect("git lists the files of the repository");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    let is_text = |name: &&str| name.rsplit_once('.').is_some_and(|(_, ending)| EXTENSIONS.contains(&ending));
    let is_checked = |name: &&str| !SKIPPED.iter().any(|skipped| name.starts_with(skipped));
    // A name can be listed that was just deleted.
    let names =
        names.split('\0').filter(is_text).filter(is_checked).filter(|name| root().join(name).is_file());
    names.map(str::to_owned).collect()
}

fn patterns() -> Vec<(Regex, &'static str)> {
    let pattern = |text: &str| {
        // Comments are wrapped: a phrase may go over the end of a line.
        let text = text.replace(' ', r"(?:\s+(?:(?://[/!]?|#|\*)\s+)?)");
        RegexBuilder::new(&format!(r"\b(?:{text})\b")).case_insensitive(true).build().unwrap()
    };
    BANNED.iter().map(|(text, instead)| (pattern(text), *instead)).collect()
}

/// Every phrase in a text: its line, itself, and what to write instead.
fn found<'a>(text: &'a str, patterns: &[(Regex, &'static str)]) -> Vec<(usize, &'a str, &'static str)> {
    let excepted = RegexBuilder::new(EXCEPTED).case_insensitive(true).build().unwrap();
    let excepted: Vec<_> = excepted.find_iter(text).map(|found| found.range()).collect();
    let mut found = Vec::new();
    for (pattern, instead) in patterns {
        let is_excepted = |phrase: &Match<'_>| excepted.iter().any(|range| range.contains(&phrase.start()));
        for phrase in pattern.find_iter(text).filter(|phrase| !is_excepted(phrase)) {
            found.push((1 + text[..phrase.start()].matches('\n').count(), phrase.as_str(), *instead));
        }
    }
    found.sort_unstable();
    found
}

fn allowed() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join(ALLOWED)).unwrap_or_default();
    let rows = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    rows.map(|(name, count)| (name.to_owned(), count.parse().unwrap())).collect()
}

#[test]
fn no_file_has_more_banned_phrases_than_it_had() {
    let patterns = patterns();
    let texts =
        files().into_iter().map(|name| (fs::read_to_string(root().join(&name)).unwrap_or_default(), name));
    let (mut counts, mut complaints, allowed) = (BTreeMap::new(), String::new(), allowed());
    let (is_report, mut by_phrase) = (std::env::var_os("ENGLISH_REPORT").is_some(), BTreeMap::new());
    for (text, name) in texts {
        let found = found(&text, &patterns);
        let limit = allowed.get(&name).copied().unwrap_or(0);
        for (line, phrase, instead) in &found {
            *by_phrase.entry(phrase.to_lowercase()).or_insert(0) += 1;
            if is_report {
                println!("{name}:{line}: `{phrase}`: write {instead}");
            }
        }
        if found.len() > limit {
            let _ = writeln!(complaints, "{name} has {} of them, and {limit} are allowed:", found.len());
            for (line, phrase, instead) in found.iter().take(20) {
                let _ = writeln!(complaints, "  line {line}: `{phrase}`: write {instead}");
            }
        } else if found.len() < limit {
            let _ = writeln!(complaints, "{name} has only {} of {limit}", found.len());
        }
        if !found.is_empty() {
            counts.insert(name, found.len());
        }
    }
    if is_report {
        println!("{by_phrase:#?}");
    }
    let gone: BTreeSet<_> = allowed.keys().filter(|name| !counts.contains_key(*name)).collect();
    let (total, before) = (counts.values().sum::<usize>(), allowed.values().sum::<usize>());
    println!("{total} phrases in {} files", counts.len());
    if std::env::var_os("UPDATE_ENGLISH").is_some() {
        assert!(
            allowed.is_empty() || total <= before,
            "{total} phrases are more than {before}:\n{complaints}"
        );
        let rows = counts.iter().map(|(name, count)| format!("{name}\t{count}\n"));
        fs::write(root().join(ALLOWED), HEAD.to_owned() + &rows.collect::<String>()).unwrap();
        return;
    }
    assert!(
        complaints.is_empty() && gone.is_empty(),
        "{complaints}{gone:?} have none anymore\nhint: rewrite them, then `UPDATE_ENGLISH=1 cargo test --test english`"
    );
}

#[test]
fn a_banned_phrase_is_found_over_the_end_of_a_line_and_in_a_name() {
    let patterns = patterns();
    let text = "// the run goes\n// on\nTold: x_told, at_work and \"is  none\"; there is none";
    let found: Vec<_> =
        found(text, &patterns).into_iter().map(|(line, phrase, _)| (line, phrase.to_lowercase())).collect();
    let wanted = [(1, "goes\n// on"), (3, "at_work"), (3, "is  none"), (3, "told"), (3, "x_told")];
    let mut wanted: Vec<_> = wanted.into_iter().map(|(line, phrase)| (line, phrase.to_owned())).collect();
    wanted.sort_unstable();
    let mut found = found;
    found.sort_unstable();
    assert_eq!(found, wanted);
}
