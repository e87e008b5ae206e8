//! Secrets of a range: the SSH key pair by which its machines are reached, and the values of its secret variables. Stored
//! encrypted for this range only; deleted with it.

use model::{Encrypted, RangeId, SecretValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::ssh_key;
use crate::keyring::{error::KeyError, handle::Keyring};

/// The secrets of a range. Their `Debug` output contains no secret.
#[derive(Debug, Clone)]
pub struct RangeSecrets {
    private_key: SecretString,
    public_key: String,
    /// `{"all": {...}, "instances": {"NAME": {...}}}`
    values: SecretValue,
}

impl RangeSecrets {
    /// A new key pair, and the values of secret variables: `{"all": {...}, "instances": {"NAME": {...}}}`.
    ///
    /// # Errors
    /// When the operating system returns no random bytes.
    pub fn generate(range: RangeId, values: SecretValue) -> Result<Self, KeyError> {
        let (private_key, public_key) = ssh_key::generate(&format!("rangehand-{range}"))?;
        Ok(Self { private_key, public_key, values })
    }

    /// The same key pair with other values.
    #[must_use]
    pub fn with_values(self, values: SecretValue) -> Self {
        Self { values, ..self }
    }

    /// The private key, as a file of OpenSSH.
    #[must_use]
    pub const fn private_key(&self) -> &SecretString {
        &self.private_key
    }

    /// The public key, as a line of `authorized_keys`.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The values of all secret variables.
    #[must_use]
    pub const fn values(&self) -> &SecretValue {
        &self.values
    }

    /// The value of a secret variable in an instance: its own, otherwise that of all instances.
    #[must_use]
    pub fn value(&self, instance: &str, name: &str) -> Option<&Value> {
        let values = self.values.expose();
        let own = values.get("instances").and_then(|instances| instances.get(instance)?.get(name));
        own.or_else(|| values.get("all")?.get(name))
    }

    /// Encrypts them for this range.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn seal(&self, keys: &Keyring, range: RangeId) -> Result<Encrypted, KeyError> {
        let secrets = SecretValue::new(json!({
            "private_key": self.private_key.expose_secret(),
            "public_key": self.public_key,
            "values": self.values.expose(),
        }));
        keys.seal(range, &secrets)
    }

    /// Decrypts the secrets of this range.
    ///
    /// # Errors
    /// When the key is not in the key file, or the data is not what was encrypted for this range.
    pub fn unseal(keys: &Keyring, range: RangeId, encrypted: &Encrypted) -> Result<Self, KeyError> {
        let secrets = keys.unseal(range, encrypted)?;
        let text = |name: &str| secrets.expose().get(name).and_then(Value::as_str).ok_or(KeyError::Damaged);
        Ok(Self {
            private_key: text("private_key")?.into(),
            public_key: text("public_key")?.to_owned(),
            values: SecretValue::new(secrets.expose().get("values").cloned().ok_or(KeyError::Damaged)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn secrets_read_back_for_their_range_only_and_debug_shows_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let keys = Keyring::open(&directory.path().join("secrets.key")).expect("a new file");
        let [range, other] = [(), ()].map(|()| RangeId::from_uuid(Uuid::now_v7()));
        let values =
            json!({"all": {"pin": "canary-1", "user": "ann"}, "instances": {"team1": {"pin": "canary-2"}}});
        let secrets = RangeSecrets::generate(range, SecretValue::new(values)).expect("generated");
        let encrypted = secrets.seal(&keys, range).expect("encrypted");
        let shown = format!("{secrets:?} {encrypted:?}");
        assert!(!shown.contains("canary") && !shown.contains("PRIVATE KEY"), "{shown}");

        let again = RangeSecrets::unseal(&keys, range, &encrypted).expect("opened");
        assert_eq!(again.private_key().expose_secret(), secrets.private_key().expose_secret());
        assert_eq!(again.public_key(), secrets.public_key());
        for (instance, name, value) in [
            ("team1", "pin", Some("canary-2")),
            ("", "pin", Some("canary-1")),
            ("team1", "user", Some("ann")),
            ("", "x", None),
        ] {
            assert_eq!(again.value(instance, name).and_then(Value::as_str), value, "{instance} {name}");
        }
        assert!(matches!(RangeSecrets::unseal(&keys, other, &encrypted), Err(KeyError::Damaged)));
    }
}
