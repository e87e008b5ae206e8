//! Old names: variables of the reference service (the Range42 backend API) and of Ansible that set a key.

use super::{
    Error, Origin,
    environment::value_in,
    inputs::Environment,
    keys,
    layer::{Entry, Layer},
    read::{Raw, switch_word},
};

/// A variable that sets a key under a name of its own.
#[derive(Debug)]
pub(super) struct OldName {
    pub(super) variable: &'static str,
    pub(super) key: &'static str,
    meaning: Meaning,
}

/// How the value of a variable becomes that of the key.
#[derive(Debug)]
enum Meaning {
    /// It is the value.
    Value,
    /// It is a switch: on sets this value, off sets nothing.
    Switch { on: &'static str },
}

const fn value(variable: &'static str, key: &'static str) -> OldName {
    OldName { variable, key, meaning: Meaning::Value }
}

/// Every old name. One that is set to the empty text counts as not set.
pub(super) const OLD_NAMES: &[OldName] = &[
    value("HOST", "server.host"),
    value("PORT", "server.port"),
    value("CORS_ORIGIN_REGEX", "server.cors_origin_regex"),
    value("PROJECT_ROOT_DIR", "paths.project_root"),
    value("API_BACKEND_WWWAPP_PLAYBOOKS_DIR", "paths.playbooks"),
    value("API_BACKEND_PUBLIC_PLAYBOOKS_DIR", "paths.public_playbooks"),
    value("API_BACKEND_INVENTORY_DIR", "paths.inventory"),
    value("ANSIBLE_ROLES_PATH", "ansible.roles_path"),
    value("ANSIBLE_COLLECTIONS_PATH", "ansible.collections_path"),
    value("ANSIBLE_LIBRARY", "ansible.library"),
    value("ANSIBLE_FILTER_PLUGINS", "ansible.filter_plugins"),
    value("ANSIBLE_CONFIG", "ansible.config"),
    value("VAULT_PASSWORD_FILE", "vault.password_file"),
    value("VAULT_PASSWORD", "vault.password"),
    value("API_BACKEND_VAULT_FILE", "vault.file"),
    OldName { variable: "DEBUG", key: "log.filter", meaning: Meaning::Switch { on: "debug" } },
];

/// What the old names in an environment set.
///
/// # Errors
/// The first value that its key may not hold.
pub(super) fn layer(environment: &Environment) -> Result<Layer, Error> {
    let mut layer = Layer::default();
    for old in OLD_NAMES {
        if let Some(text) = environment.text(old.variable)? {
            layer.extend(entry(old, text)?);
        }
    }
    Ok(layer)
}

fn entry(old: &OldName, text: &str) -> Result<Option<Entry>, Error> {
    let origin = Origin::Environment(old.variable.to_owned());
    let Some(key) = keys::find(old.key) else {
        return Ok(None); // Cannot be: a test looks every old name's key up.
    };
    let raw = match old.meaning {
        Meaning::Value => value_in(key, text),
        Meaning::Switch { on } => match switch_word(text) {
            Some(true) => Raw::Text(on.to_owned()),
            Some(false) => return Ok(None),
            None => {
                return Err(Error::BadValue {
                    key: key.name.to_owned(),
                    value: format!("`{text}`"),
                    allowed: "1, true, yes or on, or 0, false, no or off".to_owned(),
                    place: Box::new(origin.into()),
                });
            }
        },
    };
    Entry::new(key, raw, origin.into()).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_old_name_is_of_a_known_key() {
        for old in OLD_NAMES {
            assert!(keys::find(old.key).is_some(), "{} sets {}", old.variable, old.key);
        }
    }
}
