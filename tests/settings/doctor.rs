//! Runs `rangehand doctor`.

use std::fs;

use crate::project::{Project, text};

/// The line of a report that begins, after its status, with the name of a check.
fn line<'a>(report: &'a str, status: &str, name: &str) -> &'a str {
    report
        .lines()
        .find(|line| line.strip_prefix(status).is_some_and(|rest| rest.trim_start().starts_with(name)))
        .unwrap_or_else(|| panic!("no line `{status} {name}` in:\n{report}"))
}

#[test]
fn doctor_without_python_and_ansible_says_what_to_do() {
    let project = Project::new().with("PATH", "");
    let output = project.doctor(&[]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{report}\n{}", text(&output.stderr));
    for (name, hint) in
        [("python", "install Python 3.11"), ("ansible-core", "./start.sh"), ("ansible-runner", "./start.sh")]
    {
        line(&report, "FAIL", name);
        assert!(report.contains(hint), "{report}");
    }
    let hints = report.lines().filter(|line| line.trim_start().starts_with("hint: ")).count();
    let failures = report.lines().filter(|line| line.starts_with("FAIL")).count();
    assert!(hints >= failures, "every failure has a hint:\n{report}");
    assert!(!project.path("var").exists(), "doctor makes nothing");
}

#[test]
fn doctor_refuses_what_the_service_would_refuse() {
    let output = Project::new().with("RANGEHAND__SERVER__PROT", "1").doctor(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("did you mean `server.port`?"), "{}", text(&output.stderr));
}

/// Programs that answer `--version`, which is all that doctor calls.
fn project_with_programs(core: &str) -> Project {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new().with_file("inventory/hosts.yml", "all:\n  hosts:\n    localhost:\n");
    fs::create_dir(project.path("playbooks")).unwrap();
    for (program, answer) in
        [("python3", "Python 3.11.2"), ("ansible-playbook", core), ("ansible-runner", "2.4.3")]
    {
        let path = project.path(&format!(".venv/bin/{program}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    project
}

#[test]
fn doctor_without_problems_exits_with_0_and_reports_the_same_as_json() {
    let project = project_with_programs("ansible-playbook [core 2.19.1]");
    let output = project.doctor(&[]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}{}", text(&output.stderr));
    assert!(line(&report, "ok", "ansible-core").contains("2.19.1"));
    assert!(line(&report, "ok", "ansible-runner").contains(".venv/bin/ansible-runner"));
    assert!(line(&report, "ok", "default inventory").contains("hosts.yml"));
    assert!(line(&report, "server.port", "8000").ends_with("default"));

    let json: serde_json::Value = serde_json::from_slice(&project.doctor(&["--json"]).stdout).unwrap();
    assert_eq!(json["ok"], true);
    assert_eq!(json["settings"][1]["key"], "server.port");
    assert_eq!(json["settings"][1]["value"], 8000);
    assert_eq!(json["settings"][1]["origin"], "default");
    assert_eq!(json["checks"][1]["name"], "ansible-core");
    assert_eq!(json["checks"][1]["status"], "ok");
}

#[test]
fn doctor_fails_an_ansible_that_is_too_old() {
    let output = project_with_programs("ansible-playbook [core 2.14.9]").doctor(&[]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(line(&report, "FAIL", "ansible-core").contains("2.14.9 is too old, 2.15 is needed"));
}

#[test]
fn doctor_tries_the_vault_password_on_the_vault_file() {
    let vault = include_str!("../../crates/content/tests/fixtures/vault.yml");
    use std::os::unix::fs::PermissionsExt;
    let with_mode = |password: &str, mode| {
        let project = project_with_programs("ansible-playbook [core 2.19.1]")
            .with_file("secrets/vault.yml", vault)
            .with_file("secrets/password", password)
            .with("API_BACKEND_VAULT_FILE", "secrets/vault.yml")
            .with("VAULT_PASSWORD_FILE", "secrets/password");
        let file = project.path("secrets/password");
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
        project
    };
    let project = |password: &str| with_mode(password, 0o600);
    let right = text(&project("open sesame\n").doctor(&[]).stdout);
    assert!(line(&right, "ok", "vault file").contains("the password decrypts"));
    assert!(line(&right, "ok", "vault password").contains("secrets/password"), "{right}");

    let open = with_mode("open sesame\n", 0o644).doctor(&[]);
    let report = text(&open.stdout);
    assert!(line(&report, "warn", "vault password").contains("mode 0644"), "others may read it: {report}");
    assert!(report.contains("chmod 600"), "{report}");

    let wrong = project("open barley\n").doctor(&[]);
    assert_eq!(wrong.status.code(), Some(1));
    let report = text(&wrong.stdout);
    assert!(line(&report, "FAIL", "vault file").contains("does not open"), "{report}");
    assert!(!report.contains("open barley"), "{report}");
}

#[test]
fn doctor_checks_the_key_file_and_creates_none() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let project = project_with_programs("ansible-playbook [core 2.19.1]")
        .with("RANGEHAND__SECRETS__KEY_FILE", "keys/secrets.key");
    let path = project.path("keys/secrets.key");
    let report = || text(&project.doctor(&[]).stdout);
    assert!(line(&report(), "ok", "key file").contains("will be created"));
    assert!(!path.exists() && !project.path("keys").exists(), "doctor makes nothing");

    fs::create_dir(project.path("keys")).unwrap();
    engine::Keyring::open(&path).unwrap();
    let shown = report();
    assert!(line(&shown, "ok", "key file").ends_with("keys/secrets.key"), "{shown}");

    let with_mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    with_mode(0o640);
    let shown = report();
    assert!(line(&shown, "FAIL", "key file").contains("others may read"), "{shown}");
    assert!(shown.contains("chmod 600"), "{shown}");
    with_mode(0o600);
    if rustix::process::geteuid().is_root() {
        chown(&path, Some(65534), None).unwrap();
        assert!(line(&report(), "warn", "key file").contains("belongs to user 65534"));
        chown(&path, Some(0), None).unwrap();
    }

    let whole = fs::read_to_string(&path).unwrap();
    for (damaged, why) in [
        (whole.trim_end().rsplit_once(' ').unwrap().0.to_owned() + " c2hvcnQ=\n", "is no key"),
        (whole.trim_end()[..whole.len() - 6].to_owned(), "is no key"),
        ("# nothing\n".to_owned(), "no key in it"),
    ] {
        fs::write(&path, &damaged).unwrap();
        let shown = report();
        assert!(line(&shown, "FAIL", "key file").contains(why), "{shown}");
        let secret = whole.split_ascii_whitespace().next_back().unwrap();
        assert!(!shown.contains(&secret[..12]), "{shown}");
    }
}

#[test]
fn doctor_opens_the_store() {
    let project =
        project_with_programs("ansible-playbook [core 2.19.1]").with_file("var/rangehand.db", "no database");
    let output = project.doctor(&[]);
    assert_eq!(output.status.code(), Some(1));
    line(&text(&output.stdout), "FAIL", "store");
}

#[test]
fn doctor_checks_the_authorities_of_proxmox() {
    let report = |project: Project| text(&project.doctor(&[]).stdout);
    let named = || Project::new().with("RANGEHAND__PROXMOX__CA_FILE", "authority.pem");
    assert!(line(&report(named()), "FAIL", "proxmox").contains("cannot be read: No such file"));
    let empty = report(named().with_file("authority.pem", "nothing"));
    assert!(line(&empty, "FAIL", "proxmox").contains("there is no certificate in it"), "{empty}");
    let unchecked = report(Project::new().with("RANGEHAND__PROXMOX__VERIFY_TLS", "false"));
    assert!(line(&unchecked, "warn", "proxmox").contains("certificates are not verified"));
}

#[test]
fn doctor_reports_for_each_platform_whether_it_works_and_what_is_missing() {
    let project =
        || project_with_programs("ansible-playbook [core 2.19.1]").with("RANGEHAND__PATHS__RUNTIME", "run");
    let report = text(&project().doctor(&[]).stdout);
    assert!(
        line(&report, "ok", "platform           `simulated`").contains("it creates no machines"),
        "{report}"
    );
    assert!(report.lines().any(|line| line.contains("platform ") && line.contains("`local`: ")), "{report}");

    // Without the rights of root, and without user namespaces.
    let output = project().run(&["unshare", "--user"], &["doctor"]);
    let report = text(&output.stdout);
    if report.is_empty() {
        return;
    }
    assert_eq!(output.status.code(), Some(0), "a platform that is not set may be missing: {report}");
    let found = line(&report, "warn", "platform");
    assert!(found.contains("`local`: does not work: ") && found.contains("rights of root"), "{report}");
    assert!(report.contains("ranges of the platform `simulated` work without it"), "{report}");

    let set = project().with("RANGEHAND__PLATFORMS__LOCAL__KIND", "local");
    let output = set.run(&["unshare", "--user"], &["doctor"]);
    assert_eq!(output.status.code(), Some(1), "one that is set may not: {}", text(&output.stdout));

    let disabled = project().with("RANGEHAND__PLATFORMS__LOCAL__ENABLED", "false");
    let report = text(&disabled.doctor(&[]).stdout);
    assert!(line(&report, "ok", "platform").contains("`local`: is disabled"), "{report}");

    let broken =
        project().with("RANGEHAND__PLATFORMS__SIMULATED__STATE_FILE", "rangehand.toml/x/y").with_settings("");
    let report = text(&broken.doctor(&[]).stdout);
    assert!(line(&report, "FAIL", "platform").contains("`simulated`: "), "{report}");
}
