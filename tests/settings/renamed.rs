//! Settings that were renamed: the old name works, warns, and cannot contradict the new one.

use crate::project::{Project, text};

const OLD_FILE: &str = "[runs]\nmax_at_once = 3\n\n[access]\ni_know_what_i_do = true\n";

#[test]
fn an_old_name_sets_the_key_and_is_reported() {
    let project = Project::new()
        .with_file("rangehand.toml", OLD_FILE)
        .with("RANGEHAND__HISTORY__KEEP_AUDIT_RECORDS", "7")
        .with("RANGEHAND__SERVER__CANCEL_WHEN_CALLER_LEAVES", "true");
    let loaded = project.load().expect("old names are accepted");
    let settings = &loaded.settings;
    assert_eq!((settings.runs.max_concurrent, settings.history.keep_audit_entries), (3, 7));
    assert!(settings.access.allow_unauthenticated && settings.server.cancel_on_disconnect);
    let found: Vec<String> = loaded.old_names.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 4, "{found:?}");
    let wanted = "line 2: the setting `runs.max_at_once` was renamed to `runs.max_concurrent`";
    assert!(found.iter().any(|warning| warning.ends_with(wanted)), "{found:?}");
    let wanted = "the environment variable `RANGEHAND__HISTORY__KEEP_AUDIT_RECORDS` was renamed to \
                  `RANGEHAND__HISTORY__KEEP_AUDIT_ENTRIES`";
    assert!(found.iter().any(|warning| warning == wanted), "{found:?}");
}

#[test]
fn doctor_warns_of_an_old_name_and_shows_the_new_one() {
    let project = Project::new().with_file("rangehand.toml", OLD_FILE).with("PATH", "");
    let report = text(&project.doctor(&[]).stdout);
    assert!(report.contains("the setting `access.i_know_what_i_do` was renamed to"), "{report}");
    assert!(report.contains("hint: rename it to `access.allow_unauthenticated`"), "{report}");
    assert!(report.lines().any(|line| line.starts_with("access.allow_unauthenticated ")), "{report}");
    assert!(!report.lines().any(|line| line.starts_with("access.i_know_what_i_do")), "{report}");
}

#[test]
fn different_values_under_both_names_are_refused_and_equal_ones_are_not() {
    let project = |new: &str| {
        Project::new().with_file("rangehand.toml", OLD_FILE).with("RANGEHAND__RUNS__MAX_CONCURRENT", new)
    };
    assert_eq!(project("3").load().map(|loaded| loaded.settings.runs.max_concurrent).ok(), Some(3));
    let error = project("4").load().map(|_| ()).expect_err("they differ").to_string();
    for part in ["`runs.max_at_once`", "line 2", "`runs.max_concurrent`", "RANGEHAND__RUNS__MAX_CONCURRENT"] {
        assert!(error.contains(part), "{error}");
    }
    let in_one_file =
        Project::new().with_file("rangehand.toml", "[runs]\nmax_at_once = 3\nmax_concurrent = 4\n");
    assert!(in_one_file.load().is_err());
}

#[test]
fn a_value_that_does_not_fit_is_refused_under_an_old_name_too() {
    let error =
        Project::new().with("RANGEHAND__RUNS__MAX_AT_ONCE", "many").load().map(|_| ()).expect_err("a text");
    assert!(error.to_string().contains("RANGEHAND__RUNS__MAX_AT_ONCE"), "{error}");
    // One underscore too few would otherwise be ignored.
    let error = Project::new().with("RANGEHAND_RUNS_MAX_AT_ONCE", "1").load().map(|_| ()).expect_err("near");
    assert!(error.to_string().contains("RANGEHAND__RUNS__MAX_CONCURRENT"), "{error}");
}
