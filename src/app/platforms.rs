//! Opens the platforms of the settings. None of them prevents the start of the service: one that doesn't work returns the reason.

use std::{collections::BTreeMap, fs::DirBuilder, io, os::unix::fs::DirBuilderExt, sync::Arc};

use engine::{PlatformEntry, Platforms, TaskMode};
use platform::{Deferred, Faulty, Platform, local, proxmox::Proxmox, simulated};
use store::Store;
use uuid::Uuid;

use super::error::Error;
use crate::settings::{self, PlatformKind, Settings, TasksWithoutMachine};

/// Digits of a new name of a service.
const NAME_DIGITS: usize = 12;

/// All enabled platforms, with the name of this service.
pub(super) async fn open(settings: &Settings, store: &Store) -> Result<Platforms, Error> {
    let service = match &settings.ranges.service {
        Some(service) => service.clone(),
        None => store.identity(&new_name()).await?,
    };
    let program = std::env::current_exe()?;
    let enabled = settings.platforms.iter().filter(|(_, platform)| platform.enabled);
    let entries: BTreeMap<String, PlatformEntry> = enabled
        .filter_map(|(name, platform)| {
            let kind = platform.kind?;
            let opened = match kind {
                PlatformKind::Simulated => {
                    let options = settings.simulated_options(name, platform);
                    Deferred::new(move || open_simulated(&options))
                }
                PlatformKind::Local => {
                    let options = settings.local_options(name, platform, Some(&program));
                    Deferred::new(move || local::open(options.clone()))
                }
                PlatformKind::Proxmox => {
                    let options = settings.proxmox_options(name, platform)?;
                    Deferred::new(move || Ok(Arc::new(Proxmox::new(options.clone()))))
                }
            };
            Some((name.clone(), entry(platform, kind, opened)))
        })
        .collect();
    Platforms::new(&service, entries).map_err(|error| io::Error::other(error).into())
}

fn entry(settings: &settings::Platform, kind: PlatformKind, opened: Deferred) -> PlatformEntry {
    PlatformEntry {
        platform: faulty(settings, kind, opened),
        kind: kind.as_str(),
        calls: settings.max_concurrent_calls,
        tasks: match (kind, settings.tasks) {
            (PlatformKind::Local, _) | (PlatformKind::Proxmox, None) => TaskMode::OverSsh,
            (PlatformKind::Simulated, None | Some(TasksWithoutMachine::Skip))
            | (PlatformKind::Proxmox, Some(TasksWithoutMachine::Skip)) => TaskMode::Skipped,
            (PlatformKind::Simulated | PlatformKind::Proxmox, Some(TasksWithoutMachine::Local)) => {
                TaskMode::OnThisNode
            }
        },
        verify_address: settings.verify_address,
        prices: settings.price_list(),
    }
}

/// The platform with the faults of its settings. The simulated one has them itself, because they take time there.
fn faulty(settings: &settings::Platform, kind: PlatformKind, opened: Deferred) -> Arc<dyn Platform> {
    let faults = settings.faults();
    if kind == PlatformKind::Simulated || faults.is_empty() {
        return Arc::new(opened);
    }
    tracing::warn!(?faults, "calls to a platform fail on purpose, as the settings say");
    Arc::new(Faulty::new(Arc::new(opened), faults))
}

fn open_simulated(options: &simulated::Options) -> Result<Arc<dyn Platform>, platform::Error> {
    let open = || {
        if let Some(directory) = options.file.as_deref().and_then(std::path::Path::parent) {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        simulated::Simulated::open(options.clone())
    };
    match open() {
        Ok(opened) => Ok(Arc::new(opened)),
        Err(error) => {
            let file = options.file.clone().unwrap_or_default();
            let what =
                format!("the state of the simulated platform in `{}` can't be used: {error}", file.display());
            Err(platform::Error::refused_with(
                what,
                "set `platforms.NAME.state_file` to a file that can be written",
            ))
        }
    }
}

/// The last digits of a version 7 UUID are random.
fn new_name() -> String {
    let id = Uuid::now_v7().simple().to_string();
    id.chars().skip(id.len() - NAME_DIGITS).collect()
}
