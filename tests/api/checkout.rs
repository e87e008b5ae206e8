//! A directory that looks like a checkout, for tests of `start.sh`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use testkit::{bin_dir, copy, program, repository};

/// A checkout whose `start.sh` takes the program that is tested, and Ansible that is installed.
pub(crate) fn checkout(directory: &Path) {
    let start = fs::read_to_string(repository("start.sh")).expect("readable");
    let (functions, dispatch) = start.split_once("\ncase ${1:-} in\n").expect("it ends with its commands");
    let built = format!(
        "ensure_product_venv() {{ :; }}\ninstall_collections() {{ :; }}\nbuild() {{ binary={}; }}",
        program().display()
    );
    let path = directory.join("start.sh");
    fs::create_dir_all(directory).expect("writable");
    fs::write(&path, format!("{functions}\n{built}\ncase ${{1:-}} in\n{dispatch}")).expect("writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("writable");
    for name in ["scripts", "playbooks", "inventory"] {
        copy(&repository(name), &directory.join(name));
    }
    symlink(bin_dir().parent().expect("a venv"), directory.join(".venv")).expect("writable");
}
