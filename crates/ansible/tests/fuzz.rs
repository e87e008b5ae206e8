//! Properties of every byte that comes from outside of the service: what Ansible prints, vaults, YAML of users, spools
//! that were cut. Whatever comes, it is read or refused: nothing panics, and nothing takes more memory or time than it may.
//!
//! `PROPTEST_CASES` says how many cases each has; `./torture.sh fuzz` takes many.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::{
    fs,
    io::BufReader,
    path::Path,
    time::{Duration, Instant},
};

use ansible::{
    Inventory, catalog, inventory, spool,
    stream::{self, Item, Line},
    vault,
};
use model::ContentKind;
use process::log_text;
use proptest::{prelude::*, string::string_regex, test_runner::Config};

const IDENT: &str = "r1";

/// Each case of some properties costs many milliseconds: they have a fraction of the cases of the others.
fn fewer(by: u32) -> Config {
    let usual = Config::default();
    Config { cases: (usual.cases / by).max(4), ..usual }
}

/// What ansible-runner might write: events of this run, damaged ones, lines of anything.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let event = r#"\{"event": ?"runner_on_ok", "runner_ident": "r1", ("event_data": ?\{("x": ?(NaN|-Infinity|1|"\\ud83d"|"\\\\u")){0,1}\},? ?){0,2}"stdout": "[a-z\\"\x1b\[0-9m]{0,20}"\}"#;
    let line = prop_oneof![
        event.prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..80),
        "(\\{|\\}|\"|\\\\|\\\\ud[89]|NaN|Infinity|-|\"runner_ident\": \"r1\"|,|:|\\[){0,30}"
            .prop_map(String::into_bytes),
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join(&b'\n'))
}

fn lines(bytes: &[u8], buffer: usize, limit: usize) -> Vec<Line> {
    let mut source = BufReader::with_capacity(buffer, bytes);
    std::iter::from_fn(|| stream::next_line(&mut source, limit).unwrap()).collect()
}

proptest! {
    #[test]
    fn output_is_the_same_however_it_is_split_and_no_line_is_longer_than_it_may(
        bytes in output(), buffer in 1_usize..64, limit in 1_usize..100,
    ) {
        let found = lines(&bytes, buffer, limit);
        prop_assert_eq!(&found, &lines(&bytes, 64 * 1024, limit));
        let mut seen = 0;
        for line in &found {
            seen += match line {
                Line::Whole(line) => {
                    prop_assert!(line.len() <= limit);
                    line.len() as u64
                }
                Line::Oversized { bytes } => {
                    prop_assert!(*bytes > limit as u64);
                    *bytes
                }
            };
        }
        let ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        prop_assert_eq!(seen + ends, bytes.len() as u64);
    }

    #[test]
    fn a_line_of_another_run_is_never_an_event(bytes in output()) {
        for line in lines(&bytes, 1024, 1 << 20) {
            let is_event = matches!(stream::parse(line, "another"), Item::Event(_) | Item::Unreadable { .. });
            prop_assert!(!is_event);
        }
        for line in lines(&bytes, 1024, 1 << 20) {
            let _ = stream::parse(line, IDENT);
        }
    }

    #[test]
    fn plain_text_has_no_control_sequences_left(text in "([a-z]|\\x1b\\[[0-9;]{0,6}[a-zA-Z]|\\x1b|\\r|\\n|\\x07|\\x1b\\]|\\x1bP|\\x1b\\\\|\u{9b}|\u{9d}|\u{9c}|\\x08|é){0,60}") {
        let plain = log_text::plain(&text);
        prop_assert!(!plain.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{:?}", plain);
        prop_assert_eq!(log_text::plain(&log_text::colored(&text)), plain);
        let _ = log_text::unix_lines(&text);
    }

    #[test]
    fn a_spool_that_was_cut_or_damaged_gives_whole_events_in_order_or_an_error(
        numbers in prop::collection::vec(0_u64..40, 0..20), cut in 0_usize..2000, junk in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool");
        let line = |n: &u64| format!("{{\"n\":{n},\"time\":\"2026-01-01T00:00:00Z\",\"kind\":\"verbose\",\"data\":{{}}}}\n");
        let mut bytes: Vec<u8> = numbers.iter().map(line).collect::<String>().into_bytes();
        bytes.truncate(cut);
        bytes.extend(&junk);
        fs::write(&path, &bytes).unwrap();
        let mut reader = spool::Reader::open(&path).unwrap();
        let mut given = 0;
        while let Ok(batch) = reader.next_batch(0, 3) {
            if batch.is_empty() {
                break;
            }
            given += batch.len();
            prop_assert!(given <= numbers.len() + junk.len());
        }
    }
}

/// A vault that opens, to be damaged.
const VAULT: &str = include_str!("fixtures/vault.yml");

proptest! {
    #![proptest_config(fewer(16))]

    #[test]
    fn a_damaged_vault_does_not_open(
        at in 0..VAULT.len(), with in any::<char>(), cut in any::<prop::sample::Index>(), cuts in any::<bool>(),
    ) {
        let mut text: String = VAULT.chars().enumerate().map(|(number, c)| if number == at { with } else { c }).collect();
        if cuts {
            text = text.chars().take(cut.index(VAULT.len())).collect();
        }
        let password = "open sesame".into();
        if let Ok(opened) = vault::decrypt(&text, &password) {
            // White space and the case of hexadecimal digits mean nothing; everything else is under the HMAC.
            use secrecy::ExposeSecret;
            prop_assert_eq!(opened.expose_secret(), "a: 1\n");
        }
    }

    #[test]
    fn what_only_begins_like_a_vault_is_refused(rest in "(\\$ANSIBLE_VAULT|;1\\.[12]|;AES256|;lab|\\n|[0-9a-f]{1,4}|0a|é| ){0,40}") {
        let opened = vault::decrypt(&format!("$ANSIBLE_VAULT;1.1;AES256\n{rest}"), &"x".into());
        prop_assert!(opened.is_err());
        let _ = vault::check(&rest, &"x".into());
    }
}

/// Documents between sense and nonsense: anchors, aliases, tags, merges, Jinja, broken indents.
fn yaml() -> impl Strategy<Value = String> {
    let piece = "([a-z]{1,4}|- |\\? |: |:|\\n|\\n  |\\n    |\\n- |&a |\\*a|<<: |!vault \\|\\n  |!unsafe |!!python/object:os.system |\\{\\{ x \\}\\}|\\{|\\}|\\[|\\]|,|'|\"|#|%|@|\\||>|~|null|0o7|1e999|\\.inf|---\\n|\\.\\.\\.\\n|\\t|é|\\x00)";
    prop_oneof![
        string_regex(&format!("{piece}{{0,60}}")).unwrap(),
        string_regex(&format!("all:\\n  hosts:\\n    one:\\n      {piece}{{0,30}}")).unwrap(),
        string_regex(&format!("- hosts: all\\n  tasks:\\n    - {piece}{{0,40}}")).unwrap(),
    ]
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Reads the document as everything that it may be. Gives how long the slowest took.
fn read_as_everything(text: &str) -> Duration {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    for path in
        ["inventory/hosts.yml", "inventory/group_vars/all.yml", "playbooks/main.yml", "playbooks/vars.yml"]
    {
        write(&at(path), text);
    }
    write(&at("playbooks/uses.yml"), "- import_playbook: main.yml\n- hosts: all\n  vars_files: [vars.yml]\n");
    let mut slowest = Duration::ZERO;
    let mut timed = |read: &dyn Fn()| {
        let begun = Instant::now();
        read();
        slowest = slowest.max(begun.elapsed());
    };
    let source = inventory::Source { root: at("inventory"), path: "hosts.yml".into(), vault_file: None };
    timed(&|| {
        if let Ok(read) = Inventory::read(&source, None) {
            let _ = read.hosts("all");
            let _ = read.value("one", "x");
            let _ = read.all_values("a");
        }
    });
    let catalog = ansible::Catalog::new(catalog::Options {
        playbooks_roots: vec![at("playbooks")],
        bundles_root: None,
        inventory_root: at("inventory"),
        ..catalog::Options::default()
    });
    for kind in ContentKind::ALL {
        timed(&|| drop(catalog.list(*kind)));
    }
    slowest
}

proptest! {
    #![proptest_config(fewer(2))]

    #[test]
    fn a_document_of_a_user_is_read_or_refused(text in yaml()) {
        read_as_everything(&text);
    }
}

#[test]
fn bombs_and_abysses_are_refused_in_time() {
    let mut aliases = String::from("a0: &a0 [x, x, x, x, x, x, x, x]\n");
    let mut merges = String::from("a0: &a0 {k0: v}\n");
    for level in 1..40 {
        let last = level - 1;
        aliases +=
            &format!("a{level}: &a{level} [*a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}]\n");
        merges +=
            &format!("a{level}: &a{level} {{<<: [*a{last}, *a{last}, *a{last}, *a{last}], k{level}: v}}\n");
    }
    let depth = 200_000;
    // This one overflowed the stack of a thread: 64 levels were allowed.
    let nested: String = (0..2000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    for (what, text) in [
        ("aliases", aliases),
        ("merges", merges),
        ("a circle", "a: &a\n  b: *a\n".to_owned()),
        ("lists", "[".repeat(depth)),
        ("maps", "{a: ".repeat(depth)),
        ("sequences", "- ".repeat(depth)),
        ("keys", "? ".repeat(depth)),
        ("anchors", (0..50_000).map(|n| format!("- &a{n} x\n")).collect()),
        ("tags", "!a ".repeat(depth)),
        ("indents", nested),
        ("a long text", format!("a: {}", "x".repeat(8 << 20))),
    ] {
        let slowest = read_as_everything(&text);
        // A generous bound: unbounded expansion would take hours, or all memory.
        assert!(slowest < Duration::from_secs(60), "{what} took {slowest:?}");
    }
}
