//! Secrets are never shown, in any output.

use std::hash::{BuildHasher, Hasher};

use crate::project::{Project, text};

/// A text that nothing else contains.
fn secret() -> String {
    let number = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("s{:016x}{:016x}", number(), number())
}

#[test]
fn secrets_are_never_shown() {
    let (password, token, database) = (secret(), secret(), secret());
    let project = Project::new()
        .with("VAULT_PASSWORD", &password)
        .with("RANGEHAND__ANSIBLE__ENVIRONMENT__CLOUD_TOKEN", &token)
        .with("RANGEHAND__STORE__URL", &format!("postgres://ann:{database}@127.0.0.1/range?sslmode=none"));
    let loaded = project.loaded();
    let json = serde_json::to_string(&loaded.settings).unwrap();
    let report = project.doctor(&[]);
    let report_json = project.doctor(&["--json"]);
    let (report, report_json) = (text(&report.stdout), text(&report_json.stdout));
    for shown in
        [&format!("{loaded:?}"), &json, &report, &report_json, &format!("{:?}", project.environment())]
    {
        assert!(!shown.is_empty());
        for secret in [&password, &token, &database] {
            assert!(!shown.contains(secret.as_str()), "{shown}");
        }
    }
    assert!(report.contains("postgres://ann:***@127.0.0.1/range?sslmode=none"), "{report}");
    assert!(report.contains("ansible.environment.CLOUD_TOKEN"), "{report}");
}

#[test]
fn a_secret_that_does_not_fit_is_not_shown_either() {
    let secret = secret();
    let project = Project::new().with_settings(&format!("[store]\nurl = \"mysql://ann:{secret}@host/db\"\n"));
    let refusal = project.load().unwrap_err();
    assert!(!format!("{refusal} {refusal:?}").contains(&secret));
    assert!(refusal.to_string().contains("postgres://"), "{refusal}");
    let broken = Project::new().with_settings(&format!("[vault]\npassword = \"{secret}\n"));
    let refusal = broken.load().unwrap_err();
    assert!(!format!("{refusal} {refusal:?}").contains(&secret));
}
