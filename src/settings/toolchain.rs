//! From settings to the environment of Ansible's programs.

use std::{collections::BTreeMap, ffi::OsStr, path::PathBuf};

use super::{Environment, Settings, ansible::matches, locale};

/// Read by the warm executor, not by Ansible.
const COMPILED_MODULES: &str = "RANGEHAND_COMPILED_MODULES";

impl Settings {
    /// Ansible's programs and their environment, made up from scratch: what is passed on from the service's
    /// own environment, then Ansible's search paths and ways, then `[ansible.environment]`; later ones win.
    #[must_use]
    pub fn toolchain(&self, environment: &Environment) -> content::Toolchain {
        let mut variables: BTreeMap<String, String> = self.passed_on(environment).collect();
        variables.extend(self.search_paths());
        variables.extend(self.ways());
        variables.extend(self.ansible.environment.iter().map(|(name, value)| (name.into(), value.into())));
        let path = environment.raw("PATH");
        locale::settle(&mut variables, path.map(AsRef::as_ref));
        content::Toolchain {
            bin_dir: self.ansible.bin_dir.clone(),
            environment: variables,
            path: path.cloned().unwrap_or_default(),
        }
    }

    /// Variables that are empty or not UTF-8 stay behind: neither means anything to the programs in question.
    fn passed_on<'a>(&'a self, environment: &'a Environment) -> impl Iterator<Item = (String, String)> + 'a {
        environment
            .names()
            .filter(|name| self.ansible.pass_environment.iter().any(|pattern| matches(pattern, name)))
            .filter_map(|name| Some((name.to_owned(), environment.text(name).ok()??.to_owned())))
    }

    /// How Ansible does its work, as far as it is not left to Ansible.
    fn ways(&self) -> impl Iterator<Item = (String, String)> {
        let ansible = &self.ansible;
        let forks = (ansible.forks > 0).then(|| ansible.forks.to_string());
        let pipelining = ansible.pipelining.then(|| "True".to_owned());
        let compiled = (!ansible.compiled_modules).then(|| "False".to_owned());
        [
            ("ANSIBLE_FORKS", forks),
            ("ANSIBLE_STRATEGY", ansible.strategy.clone()),
            ("ANSIBLE_PIPELINING", pipelining),
            (COMPILED_MODULES, compiled),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }

    fn search_paths(&self) -> impl Iterator<Item = (String, String)> {
        let config: Vec<PathBuf> = self.ansible.config.iter().cloned().collect();
        [
            ("ANSIBLE_ROLES_PATH", &self.ansible.roles_path),
            ("ANSIBLE_COLLECTIONS_PATH", &self.ansible.collections_path),
            ("ANSIBLE_LIBRARY", &self.ansible.library),
            ("ANSIBLE_FILTER_PLUGINS", &self.ansible.filter_plugins),
            ("ANSIBLE_CONFIG", &config),
        ]
        .into_iter()
        .filter(|(_, paths)| !paths.is_empty())
        .map(|(name, paths)| {
            let paths: Vec<&OsStr> = paths.iter().map(|path| path.as_os_str()).collect();
            (name.to_owned(), paths.join(OsStr::new(":")).to_string_lossy().into_owned())
        })
        .collect::<Vec<_>>()
        .into_iter()
    }
}
