//! Settings that are never shown.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use model::redact::MASK;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

use super::paths::Base;

const SQLITE: &str = "sqlite:";

/// A secret setting: `***` wherever it is printed.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret.
    #[must_use]
    pub fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// The secret, for the door that needs it.
    #[must_use]
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// A database URL, whose password is printed as `***`.
#[derive(Clone, Default)]
pub struct StoreUrl(SecretString);

impl StoreUrl {
    pub(super) fn new(url: SecretString) -> Self {
        Self(url)
    }

    /// The embedded database in the state directory.
    pub(super) fn sqlite_in(state: &Path) -> Self {
        Self::sqlite(&state.join("rangehand.db"))
    }

    /// The same URL, with a relative file made absolute.
    pub(super) fn resolved(self, base: &Base) -> Self {
        let file = self.0.expose_secret().strip_prefix(SQLITE);
        match file.map(|file| file.strip_prefix("//").unwrap_or(file)) {
            // `sqlite::memory:` and the like are no files; the store says what it thinks of them.
            Some(file) if !file.is_empty() && !file.starts_with(':') => {
                Self::sqlite(&base.absolute(Path::new(file)))
            }
            _ => self,
        }
    }

    fn sqlite(file: &Path) -> Self {
        Self(SecretString::from(format!("{SQLITE}//{}", file.display())))
    }

    /// The file of the embedded database, or `None` where the database is a server.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        let file = self.0.expose_secret().strip_prefix(SQLITE)?;
        Some(PathBuf::from(file.strip_prefix("//").unwrap_or(file)))
    }

    /// The password in it, for masking.
    #[must_use]
    pub fn password(&self) -> Option<SecretString> {
        let (login, _) = self.0.expose_secret().split_once("://")?.1.rsplit_once('@')?;
        login.split_once(':').map(|(_, password)| SecretString::from(password))
    }

    /// The whole address, password included, for the store.
    #[must_use]
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(self.0.expose_secret()))
    }
}

/// A URL without its password, which is between the first `:` after the scheme and the last `@`, or
/// is the query parameter `password`. Too much is masked rather than too little when the address is not sound.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let rest = match rest.rsplit_once('@') {
        Some((login, host)) => match login.split_once(':') {
            Some((user, _)) => format!("{user}:{MASK}@{host}"),
            None => format!("{login}@{host}"),
        },
        None => rest.to_owned(),
    };
    let rest = match rest.split_once('?') {
        Some((address, query)) => format!("{address}?{}", query_without_password(query)),
        None => rest,
    };
    format!("{scheme}://{rest}")
}

fn query_without_password(query: &str) -> String {
    let masked = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    masked.collect::<Vec<_>>().join("&")
}

/// Debug and JSON use `Display`.
macro_rules! shown_as_displayed {
    ($($name:ty),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}
shown_as_displayed!(Secret, StoreUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_database_address_is_masked() {
        for (url, shown) in [
            ("sqlite:///var/x.db", "sqlite:///var/x.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("postgres://host/db", "postgres://host/db"),
            ("postgres://ann@host:5432/db", "postgres://ann@host:5432/db"),
            ("postgres://ann:geheim@host:5432/db", "postgres://ann:***@host:5432/db"),
            ("postgres://ann:ge@heim@host/db", "postgres://ann:***@host/db"),
            ("postgres://ann:ge/heim@host/db", "postgres://ann:***@host/db"),
            ("postgres:///db?host=/run&password=geheim&a=b", "postgres:///db?host=/run&password=***&a=b"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
