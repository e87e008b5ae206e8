//! The claims of the security documents are proven by tests: these must exist.

use std::collections::BTreeSet;

use regex::Regex;

use super::{all, chapter, read, root};

/// `file::test`, as documents name tests.
const TEST: &str = r"`((?:src|crates|tests)/[A-Za-z0-9_/.-]+\.rs)::([a-z0-9_]+)`";

/// The documents whose claims tests show.
const DOCUMENTS: [&str; 3] = ["docs/security.md", "docs/secrets.md", "docs/isolation.md"];

#[test]
fn every_test_that_a_document_names_exists() {
    let name = Regex::new(TEST).unwrap();
    let mut missing = BTreeSet::new();
    let mut count = 0;
    for document in DOCUMENTS {
        for found in name.captures_iter(&read(document)) {
            count += 1;
            let (file, test) = (&found[1], &found[2]);
            let is_there = root().join(file).exists() && read(file).contains(&format!("fn {test}("));
            if !is_there {
                missing.insert(format!("{document}: {file}::{test}"));
            }
        }
    }
    assert!(count > 80, "the pattern no longer finds tests: {count}");
    assert!(missing.is_empty(), "these tests are not there: {missing:#?}");
}

#[test]
fn every_file_of_tests_that_a_document_names_exists() {
    for document in DOCUMENTS {
        for path in all(r"`((?:src|crates|tests)/[A-Za-z0-9_/.-]+)[`:]", &read(document)) {
            assert!(root().join(&path).exists(), "{document}: `{path}` does not exist");
        }
    }
}

#[test]
fn every_line_of_the_threat_model_names_a_test() {
    let document = read("docs/security.md");
    let name = Regex::new(TEST).unwrap();
    let rows: Vec<&str> =
        chapter(&document, "## Threat model").lines().filter(|line| line.starts_with("| ")).collect();
    // Each table begins with its heads and a line of dashes.
    let is_head =
        |at: usize| rows[at].contains("---") || rows.get(at + 1).is_some_and(|row| row.contains("---"));
    let claims: Vec<&str> = (0..rows.len()).filter(|at| !is_head(*at)).map(|at| rows[at]).collect();
    assert!(claims.len() > 60, "the pattern no longer finds lines: {}", claims.len());
    for claim in claims {
        assert!(name.is_match(claim), "no test shows this: {claim}");
    }
}

#[test]
fn every_attack_that_is_repeated_names_a_test_and_every_line_is_whole() {
    let name = Regex::new(
        r"^(tests/(?:api|http)/[a-z0-9_/]+\.rs|crates/model/tests/redact_layouts\.rs)::([a-z0-9_]+)$",
    )
    .unwrap();
    let table = read("tests/attack.tsv");
    let attacks: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(attacks.len() > 30, "{}", attacks.len());
    for attack in attacks {
        let columns: Vec<&str> = attack.split('\t').collect();
        let [_, isolation, user, test] = columns[..] else { panic!("four columns: {attack}") };
        assert!(["process", "sandbox", "process, sandbox", "none"].contains(&isolation), "{attack}");
        assert!(["own", "nobody"].contains(&user), "{attack}");
        let found =
            name.captures(test).unwrap_or_else(|| panic!("no test that ./torture.sh attack runs: {attack}"));
        assert!(read(&found[1]).contains(&format!("fn {}(", &found[2])), "{attack}");
    }
}

#[test]
fn the_policy_leads_to_documents_that_are_there() {
    let policy = read("SECURITY.md");
    for (path, heading) in [
        ("docs/security.md", "## Threat model"),
        ("docs/security.md", "### Roles"),
        ("docs/isolation.md", "## Remaining risks"),
        ("docs/secrets.md", "## Masking"),
    ] {
        assert!(policy.contains(path) && read(path).contains(&format!("\n{heading}\n")), "{path}: {heading}");
    }
}
