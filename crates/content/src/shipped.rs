//! Bundled content: the roles with which v0 works without further content.
//!
//! They are part of the binary and are written into the private directory of a run that has no roles of these names. So no run
//! can change them for the next.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use include_dir::{Dir, DirEntry, include_dir};

static ROLES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../playbooks/roles");
/// The playbook of all actions of the role `proxmox_controller`.
const GENERIC: &[u8] = include_bytes!("../../../playbooks/generic.yml");

/// Writes those bundled roles below `target` that `project` does not have. Returns whether there were any.
///
/// # Errors
/// When they cannot be written.
pub fn add_roles(project: &Path, target: &Path) -> io::Result<bool> {
    let mut added = false;
    for role in ROLES.dirs().filter(|role| !project.join("roles").join(role.path()).exists()) {
        write(role, target)?;
        added = true;
    }
    Ok(added)
}

/// Does a role of this name come with the program?
pub(crate) fn has_role(name: &str) -> bool {
    ROLES.get_dir(name).is_some()
}

fn write(directory: &Dir<'_>, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target.join(directory.path()))?;
    for entry in content(directory) {
        match entry {
            DirEntry::Dir(inner) => write(inner, target)?,
            DirEntry::File(file) => fs::write(target.join(file.path()), file.contents())?,
        }
    }
    Ok(())
}

/// Whether `generic` below this root behaves exactly like the bundled role: it has the same content, and finds only bundled
/// roles.
///
/// `roles_path` is where Ansible searches for roles in addition to the root.
#[must_use]
pub fn is_ours(root: &Path, generic: &Path, roles_path: &[PathBuf]) -> bool {
    let Some(role) = ROLES.get_dir("proxmox_controller") else { return false };
    let Ok(found) = fs::read(root.join(generic)) else { return false };
    // Files next to a playbook can change what it does, and a configuration can name any search path.
    if found != GENERIC || BESIDE.iter().any(|name| root.join(name).exists()) {
        return false;
    }
    let places = std::iter::once(root.join("roles")).chain(roles_path.iter().cloned());
    let first = places.map(|place| place.join("proxmox_controller")).find(|place| place.exists());
    first.is_none_or(|place| equals(role, &place))
}

/// What Ansible reads from next to a playbook by default.
const BESIDE: &[&str] = &[
    "action_plugins",
    "ansible.cfg",
    "filter_plugins",
    "group_vars",
    "host_vars",
    "library",
    "lookup_plugins",
    "module_utils",
    "vars_plugins",
];

/// Does the directory on disk hold the same files?
fn equals(shipped: &Dir<'_>, place: &Path) -> bool {
    let root = shipped.path();
    let same = |entry: &DirEntry<'_>| {
        let Ok(path) = entry.path().strip_prefix(root).map(|path| place.join(path)) else { return false };
        match entry {
            DirEntry::Dir(inner) => equals(inner, &path),
            DirEntry::File(file) => fs::read(path).is_ok_and(|content| content == file.contents()),
        }
    };
    // One file more may be a task, a module or a default that changes everything.
    let count = fs::read_dir(place)
        .map(|entries| entries.flatten().filter(|entry| is_content(&entry.path())).count());
    count.is_ok_and(|count| count == content(shipped).count()) && content(shipped).all(same)
}

fn content<'a>(directory: &'a Dir<'a>) -> impl Iterator<Item = &'a DirEntry<'a>> {
    directory.entries().iter().filter(|entry| is_content(entry.path()))
}

/// Files that Python leaves behind are not content.
fn is_content(path: &Path) -> bool {
    path.file_name().is_none_or(|name| name != "__pycache__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_roles_are_added_and_count_as_bundled_until_changed() {
        let root = tempfile::tempdir().expect("a directory");
        let (project, target) = (root.path().join("project"), root.path().join("shipped"));
        fs::create_dir_all(&project).expect("made");
        fs::write(project.join("generic.yml"), GENERIC).expect("written");
        assert!(add_roles(&project, &target).expect("written"));
        assert!(target.join("proxmox_controller/tasks/main.yml").is_file());
        assert!(is_ours(&project, Path::new("generic.yml"), &[]));

        fs::rename(&target, project.join("roles")).expect("moved");
        assert!(!add_roles(&project, &target).expect("nothing to do"));
        assert!(is_ours(&project, Path::new("generic.yml"), &[]));
        fs::write(project.join("roles/proxmox_controller/tasks/more.yml"), "[]").expect("written");
        assert!(!is_ours(&project, Path::new("generic.yml"), &[]));

        let other = root.path().join("other");
        fs::create_dir_all(other.join("proxmox_controller/tasks")).expect("made");
        fs::remove_dir_all(project.join("roles")).expect("removed");
        assert!(!is_ours(&project, Path::new("generic.yml"), &[other]));
        assert!(is_ours(&project, Path::new("generic.yml"), &[]));
        fs::create_dir(project.join("host_vars")).expect("made");
        assert!(!is_ours(&project, Path::new("generic.yml"), &[]));
        fs::remove_dir(project.join("host_vars")).expect("removed");
        fs::write(project.join("generic.yml"), "[]").expect("written");
        assert!(!is_ours(&project, Path::new("generic.yml"), &[]));
    }
}
