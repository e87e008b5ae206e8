//! Why a task may have failed because of the sandbox: paths in its message that the sandbox does not show.
//!
//! Whether such a path exists outside is not looked up, because a run must not find out that way.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use jiff::Timestamp;
use model::{Code, Draft, Failure, PlaybookOutcome, WarningCode};
use process::Sandbox;
use regex::Regex;
use serde_json::json;

/// The code of the warning.
const CODE: WarningCode = WarningCode::OutsideSandbox;
/// The maximum number of paths that are named.
const MAX_PATHS: usize = 5;
/// Names of this machine: what tasks on other hosts say of paths is not about the sandbox.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

#[expect(clippy::expect_used, reason = "constant patterns, compiled by every test of this file")]
fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

static MISSING: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        "(?i)no such file|read-only file system|does ?n[o']t exist|not found|not writable|could not find|unable to find",
    )
});
static PATH: LazyLock<Regex> = LazyLock::new(|| compiled(r#"(?:^|[\s'"`(=:])(/[^\s'"`,;:)]+)"#));
static IDENTITY: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?:no such identity:|Identity file) (/[^\s:]+)"));

/// The warning for a run that failed in a sandbox, if the sandbox may be the cause. `own` are paths that the run has in addition
/// to those of all sandboxes, `roles` the search path for roles.
pub(crate) fn warning(
    outcome: &PlaybookOutcome,
    sandbox: &Sandbox,
    own: &[PathBuf],
    roles: &[PathBuf],
) -> Option<Draft> {
    let failures = &outcome.detail.report.failures;
    let is_shown = |path: &Path| sandbox.shows(path) || own.iter().any(|own| path.starts_with(own));
    let roles = if outcome.reason.code == Code::RoleNotFound { roles } else { &[] };
    let named = failures.iter().flat_map(paths_of).chain(roles.iter().cloned());
    let paths: BTreeSet<PathBuf> = named.filter(|path| !is_shown(path)).take(MAX_PATHS).collect();
    let is_refused = !sandbox.ssh_keys
        && failures.iter().any(|failure| failure.unreachable && failure.message.contains("publickey"));
    let message = if !paths.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        format!(
            "the run was in a sandbox, which doesn't show {}\nhint: if this caused the failure, name the path in \
             `runs.sandbox_readable` or `runs.sandbox_writable`; see docs/isolation.md",
            names.join(", ")
        )
    } else if is_refused {
        "the run was in a sandbox, which doesn't show private keys of SSH\nhint: use an SSH agent, name the key in \
         `runs.sandbox_readable`, or set `runs.sandbox_ssh_keys` to `visible`; see docs/isolation.md"
            .to_owned()
    } else {
        return None;
    };
    Some(Draft::warning(Timestamp::now(), CODE, message, json!({ "paths": paths })))
}

fn paths_of(failure: &Failure) -> Vec<PathBuf> {
    let message = &failure.message;
    let identities = IDENTITY.captures_iter(message).filter_map(|found| found.get(1));
    let mut paths: Vec<PathBuf> = identities.map(|path| path.as_str().into()).collect();
    let is_local = LOCAL.contains(&&*failure.host) || message.contains("on the Ansible Controller");
    if is_local && MISSING.is_match(message) {
        let named = PATH.captures_iter(message).filter_map(|found| found.get(1));
        paths.extend(named.map(|path| PathBuf::from(path.as_str().trim_end_matches('.'))));
    }
    // Parts of URLs, and names that Ansible generates, are not useful to users.
    let is_useful = |path: &PathBuf| {
        let text = path.to_string_lossy();
        path.components().count() > 2 && !text.starts_with("//") && !text.contains("/.ansible_tmp")
    };
    paths.retain(is_useful);
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(host: &str, unreachable: bool, message: &str) -> Failure {
        Failure {
            host: host.to_owned(),
            play: None,
            task: None,
            action: None,
            unreachable,
            item: None,
            message: message.to_owned(),
        }
    }

    #[test]
    fn paths_are_found_in_what_local_tasks_and_ssh_say() {
        for (host, message, path) in [
            ("localhost", "Source /srv/in/x.conf not found", "/srv/in/x.conf"),
            ("web", "Could not find or access '/srv/x' on the Ansible Controller.", "/srv/x"),
            ("localhost", "[Errno 2] No such file or directory: '/srv/x'", "/srv/x"),
            ("localhost", "Destination directory /srv/out does not exist", "/srv/out"),
            ("localhost", "[Errno 30] Read-only file system: b'/etc/motd'", "/etc/motd"),
            ("web", "no such identity: /keys/web: No such file or directory", "/keys/web"),
            ("web", "Warning: Identity file /keys/web not accessible: No such file", "/keys/web"),
        ] {
            assert_eq!(paths_of(&failure(host, false, message)), [PathBuf::from(path)], "{message}");
        }
        for (host, message) in [
            ("web", "[Errno 2] No such file or directory: '/srv/x'"),
            ("localhost", "non-zero return code, see /srv/log"),
            ("localhost", "and/or not found"),
            ("localhost", "repository http://192.0.2.1/x.git not found"),
            ("localhost", "Destination /etc not writable"),
        ] {
            assert_eq!(paths_of(&failure(host, false, message)), Vec::<PathBuf>::new(), "{message}");
        }
    }
}
