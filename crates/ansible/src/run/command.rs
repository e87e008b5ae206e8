//! The inputs of ansible-runner: arguments, the `env/` files of its private data directory, and the environment.
//!
//! Pure functions. Options of the request go into `env/cmdline`, not into the argument list, which every user of the
//! machine can read.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use model::{ExtraVars, SecretValue, SecretVars};
use secrecy::zeroize::Zeroizing;
use serde_json::{Value, json};

use crate::run::spec::{Facts, PlaybookOptions};

/// Files that options name; all absolute.
#[derive(Debug, Clone, Default)]
pub(crate) struct OptionFiles {
    /// Holds the vault password.
    pub(crate) vault_password: Option<PathBuf>,
    /// Encrypted variables for every run.
    pub(crate) vault: Option<PathBuf>,
    /// Variables of the request, as JSON.
    pub(crate) extra_vars: Option<PathBuf>,
    /// Inventories before the last one, which ansible-runner is given in another way.
    pub(crate) inventories: Vec<PathBuf>,
}

/// Where ansible-runner finds things.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    /// The private data directory.
    pub(crate) private: &'a Path,
    /// Where it may keep what it wants to keep; on tmpfs, because that includes the environment and the arguments
    /// of modules.
    pub(crate) artifacts: &'a Path,
    /// Where Ansible is started.
    pub(crate) project: &'a Path,
    /// The playbook, relative to the project.
    pub(crate) playbook: &'a Path,
    /// The last inventory, absolute; those before it are among the options.
    pub(crate) inventory: &'a Path,
    /// What ansible-runner starts in place of `ansible-playbook`.
    pub(crate) start: Option<&'a Start>,
}

/// How `ansible-playbook` is started in the surroundings of a run: `python`, `program`, the script, the playbook, options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// The Python of the script.
    pub(crate) python: PathBuf,
    /// `start.py`.
    pub(crate) program: PathBuf,
    /// `ansible-playbook`.
    pub(crate) script: PathBuf,
}

/// The arguments of ansible-runner.
#[must_use]
pub(crate) fn arguments(places: &Places<'_>) -> Vec<OsString> {
    let start = places.start.map(|start| ["--binary".into(), start.python.clone().into_os_string()]);
    let arguments = [
        "run".into(),
        places.private.into(),
        "--json".into(),
        "--artifact-dir".into(),
        places.artifacts.into(),
        "--project-dir".into(),
        places.project.into(),
        "--playbook".into(),
        places.playbook.into(),
        "--inventory".into(),
        places.inventory.into(),
    ];
    arguments.into_iter().chain(start.into_iter().flatten()).collect()
}

/// The content of `env/cmdline`: options of ansible-playbook, quoted for Python's `shlex.split`.
#[must_use]
pub(crate) fn cmdline(options: &PlaybookOptions, files: &OptionFiles) -> String {
    words(options, files).iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// The same when ansible-runner does not start `ansible-playbook` itself: it adds no more than the inventory then.
#[must_use]
pub(crate) fn start_line(
    start: &Start,
    options: &PlaybookOptions,
    files: &OptionFiles,
    playbook: &Path,
) -> String {
    let first = [&start.program, &start.script].map(|path| path.to_string_lossy().into_owned());
    let playbook = playbook.to_string_lossy().into_owned();
    let words = first.into_iter().chain([playbook]).chain(words(options, files));
    words.map(|word| quote(&word)).collect::<Vec<_>>().join(" ")
}

/// Options of ansible-playbook.
///
/// The vault file comes before the request's variables, so that the request wins, as in the reference service.
#[must_use]
pub(crate) fn words(options: &PlaybookOptions, files: &OptionFiles) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    if let Some(path) = &files.vault_password {
        words.push(format!("--vault-password-file={}", path.display()));
    }
    for path in files.vault.iter().chain(&files.extra_vars) {
        words.push(format!("--extra-vars=@{}", path.display()));
    }
    words.extend(files.inventories.iter().map(|path| format!("--inventory={}", path.display())));
    words.extend(options.limit.iter().map(|limit| format!("--limit={limit}")));
    words.extend(options.start_at_task.iter().map(|task| format!("--start-at-task={task}")));
    words.extend(options.tags.iter().map(|tags| format!("--tags={tags}")));
    words.extend(options.skip_tags.iter().map(|tags| format!("--skip-tags={tags}")));
    words.extend(options.forks.iter().map(|forks| format!("--forks={forks}")));
    words.extend(options.check.then(|| "--check".to_owned()));
    words.extend(options.diff.then(|| "--diff".to_owned()));
    if options.verbosity > 0 {
        words.push(format!("-{}", "v".repeat(options.verbosity.into())));
    }
    words
}

/// The content of `env/settings`.
#[must_use]
pub(crate) fn settings(facts: Option<&Facts>) -> Value {
    // The output is in the events already; a second copy of it would only cost.
    let mut settings = json!({ "suppress_output_file": true });
    if let Some(facts) = facts {
        // An absolute path leads out of the directory of artifacts.
        settings["fact_cache_type"] = "jsonfile".into();
        settings["fact_cache"] = facts.directory.to_string_lossy().into();
    }
    settings
}

/// The environment variables for cached facts.
#[must_use]
pub(crate) fn facts(facts: &Facts) -> [(&'static str, OsString); 2] {
    [
        ("ANSIBLE_CACHE_PLUGIN_TIMEOUT", facts.seconds.to_string().into()),
        // Otherwise they are gathered whether they are there or not.
        ("ANSIBLE_GATHERING", "smart".into()),
    ]
}

/// Environment variables of every run, unless a setting overrides them. Their values are constant.
#[must_use]
pub(crate) fn always(event_bytes: usize) -> [(&'static str, String); 4] {
    [
        // ansible-runner switches host key checking off unless this is set.
        ("ANSIBLE_HOST_KEY_CHECKING", "True".into()),
        ("ANSIBLE_NOCOWS", "1".into()),
        // By default, ansible-runner silently empties results above 700 kB.
        ("MAX_EVENT_RES", event_bytes.to_string()),
        ("TERM", "xterm-256color".into()),
    ]
}

/// What ansible-runner would add to the environment of ansible-playbook, as far as it shows.
///
/// Where no facts are kept ansible-runner has them kept in a file of the run, which is as good as in memory.
#[must_use]
pub(crate) fn like_the_runner(
    environment: &[(String, String)],
    facts: Option<&Facts>,
) -> Vec<(String, String)> {
    let value_of =
        |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let shown_by =
        value_of("ANSIBLE_STDOUT_CALLBACK").map(|callback| ("ORIGINAL_STDOUT_CALLBACK".to_owned(), callback));
    let kept_in = facts.map(|facts| {
        ("ANSIBLE_CACHE_PLUGIN_CONNECTION".to_owned(), facts.directory.to_string_lossy().into_owned())
    });
    let always = [
        ("ANSIBLE_CACHE_PLUGIN", if facts.is_some() { "jsonfile" } else { "memory" }),
        ("ANSIBLE_RETRY_FILES_ENABLED", "False"),
        ("ANSIBLE_STDOUT_CALLBACK", "awx_display"),
        ("RUNNER_OMIT_EVENTS", "False"),
        ("RUNNER_ONLY_FAILED_EVENTS", "False"),
    ];
    shown_by
        .into_iter()
        .chain(kept_in)
        .chain(always.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect()
}

/// Variables that are set for the process that runs a playbook, and for none that it starts: those by which it reports
/// events, and those that hold for this run only.
const OWN: [&str; 15] = [
    "ANSIBLE_CACHE_PLUGIN",
    "ANSIBLE_CACHE_PLUGIN_CONNECTION",
    "ANSIBLE_CACHE_PLUGIN_TIMEOUT",
    "ANSIBLE_CALLBACK_PLUGINS",
    "ANSIBLE_COLLECTIONS_PATH",
    "ANSIBLE_GATHERING",
    "ANSIBLE_HOST_KEY_CHECKING",
    "ANSIBLE_RETRY_FILES_ENABLED",
    "ANSIBLE_ROLES_PATH",
    "ANSIBLE_STDOUT_CALLBACK",
    "AWX_ISOLATED_DATA_DIR",
    "MAX_EVENT_RES",
    "ORIGINAL_STDOUT_CALLBACK",
    "RUNNER_OMIT_EVENTS",
    "RUNNER_ONLY_FAILED_EVENTS",
];

/// Variables of Ansible's own process, each with the value that its children get: the one of the user's environment.
#[must_use]
pub(crate) fn inherited(environment: &[(String, String)]) -> BTreeMap<String, Option<String>> {
    let of_the_user =
        |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    OWN.into_iter().map(|name| (name.to_owned(), of_the_user(name))).collect()
}

/// All variables as one object.
pub(crate) fn variables(extra_vars: &ExtraVars, secret_vars: &SecretVars) -> Zeroizing<String> {
    let mut all = extra_vars.to_unsafe_json();
    if let (Value::Object(all), Value::Object(secret)) = (&mut all, secret_vars.to_unsafe_json().expose()) {
        all.extend(secret.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Zeroizing::new(SecretValue::new(all).expose().to_string())
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r#"'"'"'"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_get_the_environment_of_the_user_only() {
        let environment = [("ANSIBLE_STDOUT_CALLBACK", "yaml"), ("HOME", "/root")];
        let inherited = inherited(&environment.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(inherited["ANSIBLE_STDOUT_CALLBACK"].as_deref(), Some("yaml"));
        assert_eq!(inherited["ANSIBLE_CALLBACK_PLUGINS"], None);
        assert!(!inherited.contains_key("HOME"));
    }

    #[test]
    fn options_of_the_request_are_one_quoted_word_each() {
        let options = PlaybookOptions {
            limit: Some("web:!db".parse().expect("a pattern")),
            tags: Some("a,b".parse().expect("tags")),
            check: true,
            verbosity: 2,
            forks: Some(7),
            ..PlaybookOptions::default()
        };
        let files = OptionFiles {
            vault_password: Some("/shm/it's".into()),
            vault: Some("/etc/vault.yml".into()),
            extra_vars: Some("/shm/vars".into()),
            inventories: vec!["/srv/hosts".into()],
        };
        assert_eq!(
            cmdline(&options, &files),
            r#"'--vault-password-file=/shm/it'"'"'s' '--extra-vars=@/etc/vault.yml' '--extra-vars=@/shm/vars' "#
                .to_owned()
                + "'--inventory=/srv/hosts' '--limit=web:!db' '--tags=a,b' '--forks=7' '--check' '-vv'"
        );
    }
}
