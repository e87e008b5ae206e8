//! `[ansible]`: which Ansible is used, and its environment.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use model::{ContentName, Inventories, redact::MASK};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

use super::{kind::Rule, paths::Base, seconds};

/// How many directories above the program's own are searched for a virtual environment: enough to find the
/// project root from `target/debug/deps`.
const LEVELS_UP: usize = 4;

/// `[ansible]`: which Ansible is used, and its environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ansible {
    /// What runs Ansible.
    pub executor: Executor,
    /// The directory of `ansible-playbook` and `ansible-runner`, as set or found; `None` leaves it to `PATH`.
    pub bin_dir: Option<PathBuf>,
    /// The inventories of requests that name none.
    pub default_inventory: Inventories,
    /// Patterns for programs that are inventories.
    pub inventory_scripts: Vec<String>,
    /// `ANSIBLE_ROLES_PATH`.
    pub roles_path: Vec<PathBuf>,
    /// `ANSIBLE_COLLECTIONS_PATH`.
    pub collections_path: Vec<PathBuf>,
    /// `ANSIBLE_LIBRARY`.
    pub library: Vec<PathBuf>,
    /// `ANSIBLE_FILTER_PLUGINS`.
    pub filter_plugins: Vec<PathBuf>,
    /// `ANSIBLE_CONFIG`.
    pub config: Option<PathBuf>,
    /// `ANSIBLE_FORKS`; 0 leaves it to Ansible.
    pub forks: u32,
    /// `ANSIBLE_STRATEGY`; `None` leaves it to Ansible.
    pub strategy: Option<String>,
    /// `ANSIBLE_PIPELINING`; false leaves it to Ansible.
    pub pipelining: bool,
    /// Whether modules are sent compiled where that fits.
    pub compiled_modules: bool,
    /// How long facts are kept; zero keeps none.
    #[serde(rename = "fact_caching_s", with = "seconds")]
    pub fact_caching: Duration,
    /// Names, or beginnings with `*`, of variables that are passed on to runs.
    pub pass_environment: Vec<String>,
    /// More variables for runs.
    #[serde(default)] // An empty table leaves no trace in the layers.
    pub environment: Variables,
}

/// What runs Ansible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Executor {
    /// Processes that are forked with Ansible imported, and ansible-runner where that cannot be.
    Warm,
    /// ansible-runner, started for each run.
    Runner,
}

pub(super) const EXECUTORS: &[&str] = &["warm", "runner"];

impl Ansible {
    /// Where facts are kept for later runs, if they are.
    #[must_use]
    pub fn facts(&self, state: &Path) -> Option<ansible::Facts> {
        let seconds = self.fact_caching.as_secs();
        (seconds > 0).then(|| ansible::Facts { directory: state.join("facts"), seconds })
    }

    /// Where processes with Ansible imported are kept, if they are to be.
    #[must_use]
    pub fn hosts(&self) -> Option<ansible::ForkServers> {
        (self.executor == Executor::Warm).then(ansible::ForkServers::default)
    }

    pub(super) fn resolve(&mut self, base: &Base, executable: Option<&Path>) {
        for list in
            [&mut self.roles_path, &mut self.collections_path, &mut self.library, &mut self.filter_plugins]
        {
            list.iter_mut().for_each(|path| base.resolve(path));
        }
        base.resolve_option(&mut self.config);
        match &mut self.bin_dir {
            Some(path) => base.resolve(path),
            None => self.bin_dir = found_bin_dir(base.directory(), executable),
        }
    }
}

/// The first virtual environment that has the runner.
fn found_bin_dir(project_root: &Path, executable: Option<&Path>) -> Option<PathBuf> {
    let above = executable.into_iter().flat_map(|file| file.ancestors().skip(1).take(1 + LEVELS_UP));
    std::iter::once(project_root)
        .chain(above)
        .map(|directory| directory.join(".venv/bin"))
        .find(|bin_dir| bin_dir.join("ansible-runner").is_file())
}

/// Environment variables whose values are shown as `***`: they may be tokens of a cloud.
#[derive(Clone, Default, Deserialize)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.keys().map(|name| (name, MASK))).finish()
    }
}

impl Serialize for Variables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for name in self.0.keys() {
            map.serialize_entry(name, MASK)?;
        }
        map.end()
    }
}

pub(super) const INVENTORY_RULE: Rule = Rule {
    allowed: "the name of an inventory: letters, digits, `_`, `-` and `.`, segments joined by `/`",
    accepts: |text| text.parse::<ContentName>().is_ok(),
};

/// The name becomes part of an import, so only Python identifiers joined by dots are valid, up to a maximum length.
const MAX_STRATEGY_BYTES: usize = 200;

pub(super) const STRATEGY_RULE: Rule = Rule {
    allowed: "the name of a strategy plugin, such as `linear`, `free`, `host_pinned` or `ansible.builtin.free`",
    accepts: |name| name.len() <= MAX_STRATEGY_BYTES && name.split('.').all(is_variable),
};

/// The variables that hold secret settings. A test compares them with the tables of keys and old names.
const SECRET_VARIABLES: [&str; 3] = ["VAULT_PASSWORD", "RANGEHAND__VAULT__PASSWORD", "RANGEHAND__STORE__URL"];

/// Platforms have secrets, too, under names that users choose.
const PLATFORMS: &str = "RANGEHAND__PLATFORMS__";

pub(super) const PASS_RULE: Rule = Rule {
    allowed: "names such as `LANG`, or beginnings such as `RANGE42_*`, that no secret setting has (VAULT_PASSWORD, \
              RANGEHAND__VAULT__PASSWORD, RANGEHAND__STORE__URL, RANGEHAND__PLATFORMS__*)",
    accepts: |pattern| {
        is_variable(pattern.strip_suffix('*').unwrap_or(pattern))
            && !SECRET_VARIABLES.iter().any(|name| matches(pattern, name))
            && !pattern.starts_with(PLATFORMS)
    },
};

pub(super) const VARIABLE_RULE: Rule = Rule {
    allowed: "letters, digits and `_`, no digit first, and neither PATH (see `ansible.bin_dir`) nor the variable \
              of a secret setting",
    accepts: |name| {
        is_variable(name)
            && name != "PATH"
            && !SECRET_VARIABLES.contains(&name)
            && !name.starts_with(PLATFORMS)
    },
};

/// Whether a variable is one that a pattern passes on.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

fn is_variable(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{keys::KEYS, kind::Kind, old_names::OLD_NAMES, variable::variable_of};

    #[test]
    fn a_pattern_that_would_pass_a_secret_on_is_refused() {
        for pattern in ["LANG", "RANGE42_*", "PROXMOX_*", "VAULT_PASSWORD_FILE", "http_proxy"] {
            assert!((PASS_RULE.accepts)(pattern), "{pattern}");
        }
        for pattern in [
            "VAULT_PASSWORD",
            "VAULT_*",
            "V*",
            "*",
            "",
            "RANGEHAND_*",
            "R*",
            "RANGEHAND__STORE__URL",
            "RANGEHAND__PLATFORMS__PVE__TOKEN_SECRET",
            "A-B",
            "A*B",
        ] {
            assert!(!(PASS_RULE.accepts)(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_strategy_is_the_name_of_a_plugin() {
        for name in ["linear", "host_pinned", "ansible.builtin.free", "mitogen_linear"] {
            assert!((STRATEGY_RULE.accepts)(name), "{name}");
        }
        for name in ["", "../linear", "a b", "a..b", ".free", "1st", "free\n"] {
            assert!(!(STRATEGY_RULE.accepts)(name), "{name}");
        }
    }

    #[test]
    fn the_refusal_names_every_secret_variable() {
        let is_secret =
            |key: &str| KEYS.iter().any(|known| known.name == key && matches!(known.kind, Kind::Secret(_)));
        let old = OLD_NAMES.iter().filter(|old| is_secret(old.key)).map(|old| old.variable.to_owned());
        let new = KEYS.iter().filter(|key| is_secret(key.name)).map(|key| variable_of(key.name));
        assert_eq!(old.chain(new).collect::<Vec<String>>(), SECRET_VARIABLES);
        for name in SECRET_VARIABLES {
            assert!(PASS_RULE.allowed.contains(name), "{name}");
        }
    }

    #[test]
    fn a_virtual_environment_is_found_in_the_root_and_above_the_program() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("a/b/c/d/rangehand");
        let with_runner = |at: &str| {
            let bin = directory.path().join(at).join(".venv/bin");
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("ansible-runner"), "").unwrap();
            bin
        };
        let root = directory.path().join("root");
        assert_eq!(found_bin_dir(&root, Some(&program)), None);
        let far = with_runner("");
        assert_eq!(found_bin_dir(&root, Some(&program)), Some(far));
        assert_eq!(found_bin_dir(&root, Some(&directory.path().join("a/b/c/d/e/rangehand"))), None);
        let near = with_runner("a/b/c/d");
        assert_eq!(found_bin_dir(&root, Some(&program)), Some(near));
        let own = with_runner("root");
        assert_eq!(found_bin_dir(&root, Some(&program)), Some(own));
    }
}
