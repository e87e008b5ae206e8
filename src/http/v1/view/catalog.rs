//! The catalog.

use std::path::Path;

use content::catalog::{Inspection, InventoryGroup, InventoryInspection, MissingFile, Play, Prompt, Task};
use engine::Listed;

use super::words;

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub(in crate::http) fn entry(listed: Listed) -> api::CatalogEntry {
    let Listed { entry, project } = listed;
    api::CatalogEntry {
        name: entry.name.as_str().into(),
        kind: words::kind(entry.kind),
        root: entry.root as u64,
        path: path(&entry.path),
        project: project.map(|project| project.to_string().into()),
    }
}

pub(in crate::http) fn content(found: Inspection) -> api::Content {
    api::Content {
        kind: words::kind(found.kind),
        name: found.name.as_str().into(),
        root: found.root as u64,
        path: path(&found.path),
        plays: found.plays.into_iter().map(play).collect(),
        tags: found.tags,
        prompts: found.prompts.into_iter().map(prompt).collect(),
        missing_vars_files: found.missing_vars_files.into_iter().map(missing_file).collect(),
        missing_roles: found.missing_roles,
        missing_collections: found.missing_collections,
        problem: found.problem,
    }
}

fn play(play: Play) -> api::Play {
    let task = |Task { name, role, tags }| api::PlayTask { name, role, tags };
    api::Play {
        name: play.name,
        hosts: play.hosts,
        tags: play.tags,
        tasks: play.tasks.into_iter().map(task).collect(),
    }
}

fn prompt(prompt: Prompt) -> api::Prompt {
    let Prompt { kind, name, prompt, default, private } = prompt;
    api::Prompt { kind: words::prompt_kind(kind), name, prompt, default, private }
}

fn missing_file(file: MissingFile) -> api::MissingFile {
    api::MissingFile { path: file.path, referenced_in: path(&file.referenced_in), dynamic: file.dynamic }
}

pub(in crate::http) fn inventory(found: InventoryInspection) -> api::Inventory {
    let group = |InventoryGroup { name, hosts, children }| api::InventoryGroup { name, hosts, children };
    api::Inventory {
        name: found.name.as_str().into(),
        path: path(&found.path),
        groups: found.groups.into_iter().map(group).collect(),
        hosts: found.hosts,
        problem: found.problem,
    }
}
