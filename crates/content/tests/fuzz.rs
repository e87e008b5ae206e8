//! Properties of all bytes of content: vaults and YAML of users. Any bytes are parsed or rejected: nothing panics, and nothing
//! exceeds its limits of memory and time.
//!
//! `PROPTEST_CASES` is the number of cases of each property. `./torture.sh fuzz` runs many.

#![allow(clippy::unwrap_used, reason = "a failed test shows the line")]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use content::{Inventory, catalog, inventory, vault};
use model::ContentKind;
use proptest::{prelude::*, string::string_regex, test_runner::Config};

/// Each case of some properties costs many milliseconds: they have a fraction of the cases of the others.
fn fewer(by: u32) -> Config {
    let usual = Config::default();
    Config { cases: (usual.cases / by).max(4), ..usual }
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

/// Parses the document as every supported kind. Returns the duration of the slowest parse.
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
    let catalog = content::Catalog::new(catalog::Options {
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
