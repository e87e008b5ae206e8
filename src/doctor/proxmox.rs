//! Checks the settings for direct calls to Proxmox. Calls nothing.

use platform::proxmox::Client;

use super::check::{Check, chain};
use crate::settings::Proxmox;

const NAME: &str = "proxmox";

/// Checks the certificate authorities; nothing where the defaults are in force.
pub(super) fn check(proxmox: &Proxmox) -> Option<Check> {
    if !proxmox.verify_tls {
        let hint = "name the authority of the node, a copy of its `/etc/pve/pve-root-ca.pem`, as `proxmox.ca_file` and set \
                    `proxmox.verify_tls` to true";
        return Some(Check::warn(
            NAME,
            "certificates are not verified: a machine-in-the-middle attacker can obtain the token",
            hint,
        ));
    }
    let file = proxmox.ca_file.as_ref()?;
    Some(match Client::new(proxmox.options().client).prepare() {
        Ok(()) => Check::ok(NAME, format!("trusts the authorities in {}", file.display())),
        Err(error) => Check::fail(NAME, chain(&error), "correct `proxmox.ca_file`, or unset it"),
    })
}
