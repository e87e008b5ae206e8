//! Settings of the user that do not hold in a run, because Rangehand or ansible-runner sets them.
//!
//! Both executors set the same ones. A setting that agrees with the value in a run is not one of these.

use std::{collections::BTreeMap, path::Path};

use content::Configuration;
use jiff::Timestamp;
use model::{Draft, WarningCode};
use serde_json::json;

use crate::run::spec::RunSpec;

/// The code of these warnings.
const CODE: WarningCode = WarningCode::SettingOverridden;

/// A setting that a run does not have from the user.
struct Setting {
    section: &'static str,
    key: &'static str,
    /// The variable that sets it, too.
    variable: &'static str,
    /// Whether the variable wins over what a run sets.
    variable_wins: bool,
    /// Whether only a run that keeps facts sets it.
    with_facts: bool,
    /// What it is in a run, in the spellings that mean the same.
    effective: &'static [&'static str],
    why: &'static str,
}

const SETTINGS: &[Setting] = &[
    Setting {
        section: "defaults",
        key: "fact_caching",
        variable: "ANSIBLE_CACHE_PLUGIN",
        variable_wins: false,
        with_facts: false,
        effective: &["memory", "ansible.builtin.memory", "jsonfile", "ansible.builtin.jsonfile"],
        why: "facts are kept for the run only, or as `ansible.fact_caching_s` says",
    },
    Setting {
        section: "defaults",
        key: "fact_caching_connection",
        variable: "ANSIBLE_CACHE_PLUGIN_CONNECTION",
        variable_wins: false,
        with_facts: false,
        effective: &[],
        why: "facts are kept for the run only, or as `ansible.fact_caching_s` says",
    },
    Setting {
        section: "defaults",
        key: "fact_caching_timeout",
        variable: "ANSIBLE_CACHE_PLUGIN_TIMEOUT",
        variable_wins: false,
        with_facts: true,
        effective: &[],
        why: "`ansible.fact_caching_s` decides how long facts are kept",
    },
    Setting {
        section: "defaults",
        key: "gathering",
        variable: "ANSIBLE_GATHERING",
        variable_wins: false,
        with_facts: true,
        effective: &["smart"],
        why: "facts that are kept are not gathered again",
    },
    Setting {
        section: "defaults",
        key: "stdout_callback",
        variable: "ANSIBLE_STDOUT_CALLBACK",
        variable_wins: true,
        with_facts: false,
        effective: &["default", "ansible.builtin.default"],
        why: "the output comes from the callback `default`; `ANSIBLE_STDOUT_CALLBACK` in `ansible.environment` selects another",
    },
    Setting {
        section: "defaults",
        key: "retry_files_enabled",
        variable: "ANSIBLE_RETRY_FILES_ENABLED",
        variable_wins: false,
        with_facts: false,
        effective: FALSE,
        why: "a job is resumed by the service, not from a file",
    },
    host_key_checking("defaults"),
    host_key_checking("ssh_connection"),
    own_directory("defaults", "local_tmp", "ANSIBLE_LOCAL_TEMP"),
    own_directory("ssh_connection", "control_path_dir", "ANSIBLE_SSH_CONTROL_PATH_DIR"),
    own_directory("persistent_connection", "control_path_dir", "ANSIBLE_PERSISTENT_CONTROL_PATH_DIR"),
];

const TRUE: &[&str] = &["true", "yes", "on", "1", "y", "t"];
const FALSE: &[&str] = &["false", "no", "off", "0", "n", "f"];

/// A setting that only the environment changes.
const fn environment_only(
    section: &'static str,
    key: &'static str,
    variable: &'static str,
    effective: &'static [&'static str],
    why: &'static str,
) -> Setting {
    Setting { section, key, variable, variable_wins: true, with_facts: false, effective, why }
}

/// A directory for temporary files.
const fn own_directory(section: &'static str, key: &'static str, variable: &'static str) -> Setting {
    environment_only(section, key, variable, &[], "each run has a directory of its own for it")
}

const fn host_key_checking(section: &'static str) -> Setting {
    let why = "host keys are always checked; to accept hosts, add their keys to `known_hosts`, or set \
               `ANSIBLE_HOST_KEY_CHECKING` in `ansible.environment`";
    environment_only(section, "host_key_checking", "ANSIBLE_HOST_KEY_CHECKING", TRUE, why)
}

/// One warning for each setting of the user that the run overrides.
pub(crate) fn warnings(spec: &RunSpec, project: &Path) -> Vec<Draft> {
    let environment: BTreeMap<String, String> = spec.environment.iter().cloned().collect();
    let configuration = Configuration::find(&environment, project);
    let of = |setting: &Setting| overridden(setting, &environment, &configuration, spec.facts.is_some());
    let log = log_in_content(&environment, &configuration, project);
    SETTINGS.iter().filter_map(of).chain(log).collect()
}

fn overridden(
    setting: &Setting,
    environment: &BTreeMap<String, String>,
    configuration: &Configuration,
    keeps_facts: bool,
) -> Option<Draft> {
    let Setting { section, key, variable, .. } = *setting;
    if setting.with_facts && !keeps_facts {
        return None;
    }
    let of_environment = environment.get(variable);
    if of_environment.is_some() && setting.variable_wins {
        return None;
    }
    let (value, origin) = match of_environment {
        Some(value) => (value.as_str(), variable.to_owned()),
        None => (configuration.get(section, key)?, format!("[{section}] of ansible.cfg")),
    };
    let lower = value.trim().to_ascii_lowercase();
    if lower.is_empty() || setting.effective.contains(&lower.as_str()) {
        return None;
    }
    let message = format!("the setting `{key}` ({origin}) has no effect: {}", setting.why);
    Some(Draft::warning(Timestamp::now(), CODE, message, json!({ "setting": key, "origin": origin })))
}

/// A log that Ansible writes among its content is written to the run's copy of it.
fn log_in_content(
    environment: &BTreeMap<String, String>,
    configuration: &Configuration,
    project: &Path,
) -> Option<Draft> {
    let (value, base, origin) = match environment.get("ANSIBLE_LOG_PATH") {
        Some(value) => (value.as_str(), project, "ANSIBLE_LOG_PATH"),
        None => {
            let base = configuration.file.as_deref().and_then(Path::parent).unwrap_or(project);
            (configuration.get("defaults", "log_path")?, base, "[defaults] of ansible.cfg")
        }
    };
    let path = base.join(value.trim());
    if value.trim().is_empty() || value.starts_with('~') || !path.starts_with(project) {
        return None;
    }
    let message = format!(
        "the file of the setting `log_path` ({origin}) is written to the run's own copy of the content: \
         `GET /v1/jobs/{{id}}/log` has the output"
    );
    let more = json!({ "setting": "log_path", "origin": origin });
    Some(Draft::warning(Timestamp::now(), CODE, message, more))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str, environment: &[(&str, &str)], keeps_facts: bool) -> Vec<String> {
        let project = tempfile::tempdir().expect("a directory");
        std::fs::write(project.path().join("ansible.cfg"), text).expect("writable");
        let environment: BTreeMap<String, String> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let configuration = Configuration::find(&environment, project.path());
        let of = |setting: &Setting| overridden(setting, &environment, &configuration, keeps_facts);
        let log = log_in_content(&environment, &configuration, project.path());
        let drafts = SETTINGS.iter().filter_map(of).chain(log);
        drafts.map(|draft| draft.data["setting"].as_str().expect("a text").to_owned()).collect()
    }

    #[test]
    fn only_what_the_user_set_and_a_run_does_not_have_is_overridden() {
        let all = "[defaults]\nfact_caching = redis\nfact_caching_connection = localhost\nstdout_callback = yaml\n\
                   retry_files_enabled = True\nhost_key_checking = False\nlog_path = ./run.log\nlocal_tmp = /x\n\
                   gathering = explicit\n[ssh_connection]\ncontrol_path_dir = /y\n";
        let expected = [
            "fact_caching",
            "fact_caching_connection",
            "stdout_callback",
            "retry_files_enabled",
            "host_key_checking",
            "local_tmp",
            "control_path_dir",
            "log_path",
        ];
        assert_eq!(settings(all, &[], false), expected);
        assert!(settings(all, &[], true).contains(&"gathering".to_owned()));
        let same = "[defaults]\nfact_caching = memory\nstdout_callback = default\nretry_files_enabled = no\n\
                    host_key_checking = yes\nlog_path = /var/log/ansible.log\nforks = 9\n";
        assert_eq!(settings(same, &[], false), [""; 0]);
        let in_force = [("ANSIBLE_HOST_KEY_CHECKING", "False"), ("ANSIBLE_STDOUT_CALLBACK", "minimal")];
        let of_file = "[defaults]\nhost_key_checking = False\nstdout_callback = yaml\n";
        assert_eq!(settings(of_file, &in_force, false), [""; 0]);
        assert_eq!(settings("", &[("ANSIBLE_CACHE_PLUGIN", "redis")], false), ["fact_caching"]);
    }
}
