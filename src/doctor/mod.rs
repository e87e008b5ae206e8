//! Checks of the requirements of the service: programs, directories, keys, sandboxes, platforms, the vault password, the database.
//!
//! `rangehand doctor` shows all of them; the readiness endpoint runs those of Ansible.

mod access;
mod ansible;
mod check;
mod content;
mod directories;
mod isolation;
mod keys;
mod platforms;
mod proxmox;
mod renamed;
mod store;
mod vault;

pub use self::{
    ansible::check_ansible,
    check::{Check, Status},
};

use crate::settings::Loaded;

/// Checks everything.
pub async fn check_all(loaded: &Loaded, toolchain: &::content::Toolchain) -> Vec<Check> {
    let settings = &loaded.settings;
    let mut checks = check_ansible(toolchain).await;
    checks.extend(renamed::check(loaded));
    checks.push(access::check(settings));
    checks.extend(directories::check(settings));
    checks.push(keys::check(&settings.secrets.key_file(&settings.paths)));
    checks.push(content::check(settings));
    checks.extend(isolation::check(&settings.runs, toolchain));
    checks.extend(vault::check(&settings.vault));
    checks.extend(proxmox::check(&settings.proxmox));
    checks.extend(platforms::check(loaded).await);
    checks.push(store::check(&settings.store).await);
    checks
}
