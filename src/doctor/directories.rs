//! The directories that settings name.

use std::path::Path;

use ansible::runtime::is_tmpfs;
use rustix::fs::{Access, access};

use super::check::{Check, Status, chain};
use crate::settings::Settings;

/// Checks every directory, and the default inventory.
pub(super) fn check(settings: &Settings) -> Vec<Check> {
    let paths = &settings.paths;
    let public = paths.public_playbooks.as_deref();
    let mut checks = vec![
        content("project root", &paths.project_root, "paths.project_root"),
        playbooks(&paths.playbooks, public),
        match public {
            Some(directory) => content("public playbooks", directory, "paths.public_playbooks"),
            None => Check::ok("public playbooks", "not set"),
        },
        content("inventory", &paths.inventory, "paths.inventory"),
        default_inventory(settings),
        writable("state directory", &paths.state, "paths.state"),
        runtime(&paths.runtime()),
    ];
    checks.extend(
        settings
            .projects
            .iter()
            .map(|(name, project)| content("project", &project.root, &format!("projects.{name}.root"))),
    );
    checks
}

/// A directory that is only read.
fn content(name: &'static str, directory: &Path, key: &str) -> Check {
    let shown = directory.display();
    if !directory.is_dir() {
        let problem = if directory.exists() { "is not a directory" } else { "does not exist" };
        return Check::fail(name, format!("`{shown}` {problem}"), format!("make it, or change `{key}`"));
    }
    match access(directory, Access::READ_OK | Access::EXEC_OK) {
        Ok(()) => Check::ok(name, shown.to_string()),
        Err(_) => Check::fail(
            name,
            format!("`{shown}` may not be read"),
            "grant the service's user read and search permission".to_owned(),
        ),
    }
}

/// Without local playbooks the public ones still serve.
fn playbooks(local: &Path, public: Option<&Path>) -> Check {
    let check = content("playbooks", local, "paths.playbooks");
    match check.status {
        Status::Fail if public.is_some_and(Path::is_dir) => Check { status: Status::Warn, ..check },
        Status::Ok | Status::Warn | Status::Fail => check,
    }
}

fn default_inventory(settings: &Settings) -> Check {
    let name = "default inventory";
    let catalog = settings.catalog();
    let located: Result<Vec<_>, _> =
        settings.ansible.default_inventory.iter().map(|name| catalog.resolve_inventory(name)).collect();
    match located {
        Ok(found) => {
            let paths = found.iter().map(|found| found.root.join(&found.path).display().to_string());
            Check::ok(name, paths.collect::<Vec<_>>().join(", "))
        }
        Err(error) => Check::fail(
            name,
            chain(&error),
            format!(
                "put `{}.yml` into `{}`, or change `ansible.default_inventory`",
                settings.ansible.default_inventory,
                settings.paths.inventory.display()
            ),
        ),
    }
}

/// A directory that the service writes to, and creates if it is missing.
pub(super) fn writable(name: &'static str, directory: &Path, key: &str) -> Check {
    let shown = directory.display();
    let Some(existing) = directory.ancestors().find(|path| path.exists()) else {
        return Check::fail(name, format!("`{shown}` cannot be created"), format!("change `{key}`"));
    };
    let is_writable = existing.is_dir() && access(existing, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    if !is_writable {
        let problem = format!("`{}` is no directory that may be written to", existing.display());
        return Check::fail(name, problem, format!("change its permissions, or `{key}`"));
    }
    if existing == directory {
        Check::ok(name, shown.to_string())
    } else {
        Check::ok(name, format!("{shown} (will be created)"))
    }
}

/// Secrets of a run lie there while it lasts.
fn runtime(directory: &Path) -> Check {
    let name = "runtime directory";
    let check = writable(name, directory, "paths.runtime");
    let is_in_memory = directory.ancestors().find(|path| path.exists()).is_some_and(is_tmpfs);
    match check.status {
        Status::Ok if !is_in_memory => Check::warn(
            name,
            format!("`{}` is not on a tmpfs: secrets of runs touch a disk", directory.display()),
            "set `paths.runtime` to a directory on a tmpfs, such as one below /dev/shm".to_owned(),
        ),
        Status::Ok | Status::Warn | Status::Fail => check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_directory_names_the_setting_to_change() {
        let check = content("playbooks", Path::new("/nonexistent/playbooks"), "paths.playbooks");
        assert_eq!(check.status, Status::Fail);
        assert!(check.hint.unwrap().contains("paths.playbooks"));
    }

    #[test]
    fn a_state_directory_may_be_made_later_but_not_below_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let later = writable("state directory", &directory.path().join("a/b"), "paths.state");
        assert_eq!(later.status, Status::Ok);
        assert!(!directory.path().join("a").exists());

        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(writable("state directory", &file.join("a"), "paths.state").status, Status::Fail);
        assert_eq!(writable("state directory", &file, "paths.state").status, Status::Fail);
    }

    #[test]
    fn a_runtime_directory_on_a_disk_is_warned_of() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(!is_tmpfs(directory), "this test needs sources on a disk");
        assert_eq!(runtime(directory).status, Status::Warn);
    }
}
