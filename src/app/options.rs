//! Converts the settings, and facts that are determined at startup, to the options of each component.

use std::{collections::BTreeMap, path::PathBuf};

use ansible::Launcher;
use content::{Catalog, Inspector, Toolchain, catalog, snapshots::Way};
use engine::{CatalogOptions, Directories, JobOptions, Keyring, NodeOptions, PlaybookOptions, Vault};
use model::ProjectName;
use process::Limits;
use secrecy::SecretString;

use crate::{http, settings::Settings};

/// Maximum total size of the results of a run, in bytes of JSON. They are stored with the job.
const RESULT_BYTES: usize = 8 << 20;

/// Facts that are determined at startup, in addition to the settings.
pub(super) struct StartupFacts {
    pub(super) toolchain: Toolchain,
    pub(super) isolation: engine::IsolationOptions,
    pub(super) way: Way,
    pub(super) vault_password: Option<SecretString>,
    pub(super) node: String,
    pub(super) is_same_boot: bool,
    pub(super) keys: Keyring,
    pub(super) platforms: engine::Platforms,
    pub(super) bundled: (ProjectName, PathBuf),
}

pub(super) fn engine_options(settings: &Settings, facts: StartupFacts) -> engine::Options {
    let StartupFacts {
        toolchain,
        isolation,
        way,
        vault_password,
        node,
        is_same_boot,
        keys,
        platforms,
        bundled,
    } = facts;
    let (paths, runs) = (&settings.paths, &settings.runs);
    let limits = Limits {
        total: runs.timeout,
        idle: runs.idle_timeout,
        grace: runs.kill_grace,
        event_bytes: runs.event_max_bytes,
        output_bytes: runs.output_max_bytes,
        memory_bytes: runs.memory_max_bytes,
        processes: runs.processes_max,
        result_bytes: RESULT_BYTES,
    };
    engine::Options {
        node: NodeOptions {
            name: node,
            is_same_boot,
            lease: runs.lease,
            max_concurrent: runs.max_concurrent,
            drain: runs.drain,
        },
        directories: Directories {
            runs: paths.state.join("runs"),
            runtime: paths.runtime(),
            state: paths.state.clone(),
        },
        vault: Vault { password: vault_password, file: settings.vault.file.clone() },
        keys,
        catalog: CatalogOptions {
            content: settings.catalog(),
            projects: projects(settings),
            bundled: (bundled.0, bundled_project(bundled.1)),
            default_inventory: settings.ansible.default_inventory.clone(),
            toolchain,
        },
        inspector: Inspector {
            program: "/proc/self/exe".into(),
            isolation: isolation.of_all(),
            limits: Limits { total: runs.inspection_timeout, ..limits },
            hidden: vec![paths.state.clone(), paths.runtime()],
        },
        jobs: JobOptions { limits: settings.limits.queue(), required_isolation: isolation.required },
        playbooks: PlaybookOptions {
            launcher: Launcher::this_program(settings.ansible.hosts()),
            link_targets: paths.link_targets.clone(),
            way,
            persistent: paths.persistent.clone(),
            artifacts_bytes: runs.artifacts_max_bytes,
            exclude: runs.exclude.clone(),
            facts: settings.ansible.facts(&paths.state),
            in_memory_bytes: runs.in_memory_max_bytes,
            limits,
            isolation,
        },
        keep: settings.history.keep(),
        proxmox: settings.proxmox.options(),
        platforms,
        ranges: settings.ranges.options(),
    }
}

fn bundled_project(root: PathBuf) -> engine::Project {
    let options = catalog::Options {
        playbooks_roots: vec![root.clone()],
        inventory_root: root.clone(),
        ..catalog::Options::default()
    };
    let (link_targets, persistent) = (Vec::new(), Vec::new());
    engine::Project {
        catalog: Catalog::new(options),
        root,
        default_inventory: None,
        link_targets,
        persistent,
    }
}

fn projects(settings: &Settings) -> BTreeMap<ProjectName, engine::Project> {
    let catalogs = settings.catalogs_of_projects().into_iter();
    let project = |(name, catalog): (ProjectName, Catalog)| {
        let project = settings.projects.get(&name)?;
        let project = engine::Project {
            catalog,
            root: project.root.clone(),
            default_inventory: project.default_inventory.clone(),
            link_targets: project.link_targets.clone(),
            persistent: project.persistent.clone(),
        };
        Some((name, project))
    };
    catalogs.filter_map(project).collect()
}

pub(super) fn http_options(settings: &Settings) -> http::Options {
    let public = settings.paths.public_playbooks.as_ref();
    http::Options {
        body_limit_bytes: settings.server.body_limit_bytes,
        wait_max: settings.server.wait_max,
        origins: settings.server.cors_origins.clone(),
        allow_connection_vars: settings.runs.allow_connection_vars,
        protected_vars: settings.runs.protected_vars.clone(),
        cancel_on_disconnect: settings.server.cancel_on_disconnect,
        inventory: settings.paths.inventory.clone(),
        has_public_playbooks: public.is_some(),
        ldo_platform: settings.ranges.ldo_platform().map(str::to_owned),
        missing_public_playbooks: public.filter(|path| !path.is_dir()).map(|path| path.display().to_string()),
    }
}
