//! The vault password, and whether it opens the vault file.

use std::{fs, path::Path};

use secrecy::SecretString;

use super::check::{Check, chain};
use crate::settings::{PasswordSource, Vault};

const PASSWORD: &str = "vault password";
const FILE: &str = "vault file";

/// Checks the password and the file. Takes some 50 ms where there are both.
pub(super) fn check(vault: &Vault) -> Vec<Check> {
    let password = vault.read_password();
    let of_password = match &password {
        Ok(_) => readable_password(vault),
        Err(error) => {
            Check::fail(PASSWORD, chain(error), "correct `vault.password_file`, or unset it".to_owned())
        }
    };
    let of_file = match &vault.file {
        Some(file) => vault_file(file, password.as_ref().ok().and_then(Option::as_ref)),
        None => Check::ok(FILE, "not set"),
    };
    vec![of_password, of_file]
}

fn readable_password(vault: &Vault) -> Check {
    match vault.source() {
        None => Check::ok(PASSWORD, "not set: runs cannot read encrypted content"),
        Some(PasswordSource::Setting(_)) => Check::ok(PASSWORD, "set by `vault.password`"),
        Some(PasswordSource::File(path)) => {
            let shown = path.display();
            if let Some(mode) = vault.open_mode() {
                let problem = format!("`{shown}` has mode {mode:04o}: others than its owner may use it");
                return Check::warn(PASSWORD, problem, format!("chmod 600 '{shown}'"));
            }
            match vault.password {
                Some(_) => Check::warn(
                    PASSWORD,
                    format!("from `{shown}`, which wins over `vault.password`"),
                    "unset `vault.password` (VAULT_PASSWORD in the environment)".to_owned(),
                ),
                None => Check::ok(PASSWORD, format!("from {shown}")),
            }
        }
    }
}

fn vault_file(file: &Path, password: Option<&SecretString>) -> Check {
    let shown = file.display();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            let problem = format!("`{shown}` cannot be read: {error}");
            return Check::fail(FILE, problem, "correct `vault.file`, or unset it".to_owned());
        }
    };
    let Some(password) = password else {
        return without_password(file, &text);
    };
    match content::vault::check(&text, password) {
        Ok(()) => Check::ok(FILE, format!("the password decrypts {shown}")),
        Err(error @ content::vault::Error::NotAVault) => Check::warn(
            FILE,
            format!("`{shown}` is not encrypted: {error}"),
            format!("ansible-vault encrypt '{shown}'"),
        ),
        Err(error) => Check::fail(
            FILE,
            format!("`{shown}`: {error}"),
            "set `vault.password_file` or `vault.password` to the password it was encrypted with".to_owned(),
        ),
    }
}

fn without_password(file: &Path, text: &str) -> Check {
    let shown = file.display();
    if text.trim_start().starts_with("$ANSIBLE_VAULT") {
        let hint = "set `vault.password_file` (VAULT_PASSWORD_FILE) or `vault.password` (VAULT_PASSWORD)";
        return Check::fail(FILE, format!("`{shown}` is encrypted, and no vault password is set"), hint);
    }
    let hint = format!("ansible-vault encrypt '{shown}', and set `vault.password_file`");
    Check::warn(FILE, format!("`{shown}` is not encrypted"), hint)
}
