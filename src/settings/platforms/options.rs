//! From settings to the options of a platform.

use std::path::{Path, PathBuf};

use platform::{Fault, local, proxmox, simulated};
use range::{
    PlatformRules,
    plan::Prices,
    platform_rules::{Limits, Pool},
};
use serde_json::Value;

use super::{
    keys::{ALL_MS, millionths, numbers},
    platform::Platform,
};
use crate::settings::Settings;

/// The directory for platforms below the state directory.
const DIRECTORY: &str = "platforms";

impl Settings {
    /// The options of a simulated platform.
    #[must_use]
    pub fn simulated_options(&self, name: &str, platform: &Platform) -> simulated::Options {
        let file = platform.state_file.clone();
        let file = file.unwrap_or_else(|| self.paths.state.join(DIRECTORY).join(format!("{name}.jsonl")));
        simulated::Options {
            rules: platform.rules(name),
            latencies: latencies(&platform.latencies),
            faults: platform.faults(),
            file: Some(file),
        }
    }

    /// The options of a local platform, whose processes are started from this program.
    #[must_use]
    pub fn local_options(&self, name: &str, platform: &Platform, program: Option<&Path>) -> local::Options {
        // The runtime directory is often on a tmpfs and shared: nothing stays in it after the last range.
        let run = platform.run_dir.clone();
        let run = run.unwrap_or_else(|| self.paths.runtime().join(format!("platform-{name}")));
        let state = platform.state_dir.clone();
        let state = state.unwrap_or_else(|| self.paths.state.join(DIRECTORY).join(name));
        let templates = platform.templates.iter().filter_map(|pair| pair.split_once('='));
        local::Options {
            rules: platform.rules(name),
            templates: templates.map(|(name, path)| (name.to_owned(), path.into())).collect(),
            program: program.map(|program| program.display().to_string()).into_iter().collect(),
            hidden: self.private_paths().chain(platform.hidden.iter().cloned()).collect(),
            uplink: platform.uplink,
            rules_by_playbook: platform.rules_by_playbook,
            ..local::Options::new(run, state)
        }
    }

    /// The options of a Proxmox platform; `None` if they are incomplete, which loading settings rejects.
    #[must_use]
    pub fn proxmox_options(&self, name: &str, platform: &Platform) -> Option<proxmox::PlatformOptions> {
        let (user, token_id) = platform.token_id.as_deref()?.split_once('!')?;
        Some(proxmox::PlatformOptions {
            credentials: proxmox::Credentials {
                api_host: platform.api_host.clone()?,
                node: String::new(),
                user: user.to_owned(),
                token_id: token_id.to_owned(),
                token_secret: platform.token_secret.as_ref()?.as_secret().clone(),
            },
            client: self.proxmox.options().client,
            rules: platform.rules(name),
            nodes: platform.nodes.clone(),
            storage: platform.storage.clone(),
            zone: platform.zone.clone(),
            vlans: platform.vlans.as_deref().and_then(numbers),
            uplink: platform.uplink_bridge.clone(),
            vm_ids: platform.vm_ids.as_deref().and_then(numbers),
            protected: platform.protected_vm_ids.iter().filter_map(|ids| numbers(ids)).collect(),
            full_clones: platform.full_clones,
            clones_at_once: platform.max_concurrent_clones,
        })
    }

    /// What belongs to the service alone: its state, and files that contain secrets.
    fn private_paths(&self) -> impl Iterator<Item = PathBuf> {
        let files = [
            &self.vault.password_file,
            &self.vault.file,
            &self.secrets.key_file,
            &self.access.gateway_secret_file,
        ];
        let directories = [self.paths.state.clone(), self.paths.runtime()];
        directories.into_iter().chain(files.into_iter().flatten().cloned().collect::<Vec<_>>())
    }
}

impl Platform {
    /// What a platform of this name accepts, as far as settings say.
    fn rules(&self, name: &str) -> PlatformRules {
        const MIB: u64 = 1 << 20;
        const GIB: u64 = 1 << 30;
        let limit = |value: u64| Some(value).filter(|value| *value > 0);
        let usual = Pool::default();
        PlatformRules {
            name: name.to_owned(),
            pool: if self.pool.is_empty() { usual } else { Pool { subnets: self.pool.clone(), ..usual } },
            limits: Limits {
                instances: limit(self.instances_max),
                machines: limit(self.machines_max),
                networks: limit(self.networks_max),
                cores: limit(self.cores_max),
                memory_mb: limit(self.memory_max_bytes).map(|bytes| bytes / MIB),
                disk_gb: limit(self.disk_max_bytes).map(|bytes| bytes / GIB),
            },
            ..PlatformRules::default()
        }
    }

    /// What goes wrong on purpose.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        // What a setting accepts is JSON of faults.
        let faults = self.faults.as_deref().map(serde_json::from_str);
        faults.and_then(Result::ok).unwrap_or_default()
    }

    /// The price list, if there is one.
    #[must_use]
    pub fn price_list(&self) -> Option<Prices> {
        let value = |wanted: &str| {
            let pairs = self.prices.iter().filter_map(|pair| pair.split_once('='));
            pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| value).next_back()
        };
        let price = |name: &str| value(name).and_then(millionths).unwrap_or_default();
        (!self.prices.is_empty()).then(|| Prices {
            currency: value("currency").unwrap_or_default().to_owned(),
            core: price("core"),
            memory_gb: price("memory_gb"),
            disk_gb: price("disk_gb"),
        })
    }
}

/// The usual latencies with those that are set.
fn latencies(pairs: &[String]) -> simulated::Latencies {
    let usual = simulated::Latencies::default();
    let Ok(Value::Object(mut all)) = serde_json::to_value(usual) else { return usual };
    let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
    let mut pairs: Vec<(&str, Value)> =
        pairs.filter_map(|(name, ms)| Some((name, ms.parse::<u64>().ok()?.into()))).collect();
    // What is set for one has precedence over what is set for all.
    pairs.sort_by_key(|(name, _)| *name != ALL_MS);
    for (name, ms) in pairs {
        if name == ALL_MS {
            all.values_mut().for_each(|value| *value = ms.clone());
        } else {
            all.insert(name.to_owned(), ms);
        }
    }
    serde_json::from_value(Value::Object(all)).unwrap_or(usual)
}
