//! `[vault]`: the Ansible Vault password and the file it opens.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use secrecy::{SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use super::{paths::Base, secret::Secret};

/// `[vault]`: the Ansible Vault password and the file it opens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// The file with the password.
    pub password_file: Option<PathBuf>,
    /// The password itself; see [`Self::source`] for which one counts.
    #[serde(skip_deserializing)]
    pub password: Option<Secret>,
    /// A file of encrypted variables that is passed to every run.
    pub file: Option<PathBuf>,
}

/// Where the password is taken from.
#[derive(Debug, Clone, Copy)]
pub enum PasswordSource<'a> {
    /// `vault.password_file`, which wins over the setting, as in the reference service.
    File(&'a Path),
    /// `vault.password`.
    Setting(&'a Secret),
}

/// Why the password cannot be read from the location in the settings.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The file cannot be read.
    #[error("vault password file `{}` cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing in the file.
    #[error("vault password file `{}` is empty", .0.display())]
    Empty(PathBuf),
    /// Ansible would execute this file to get the password.
    #[error("vault password file `{}` is a program: use a file that holds the password itself", .0.display())]
    Program(PathBuf),
}

impl Vault {
    /// Where the password is taken from: the file if there is one, otherwise the setting.
    #[must_use]
    pub fn source(&self) -> Option<PasswordSource<'_>> {
        let file = self.password_file.as_deref().map(PasswordSource::File);
        file.or_else(|| self.password.as_ref().map(PasswordSource::Setting))
    }

    /// The password, or `None` where none is set.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is a program.
    pub fn read_password(&self) -> Result<Option<SecretString>, PasswordError> {
        match self.source() {
            Some(PasswordSource::File(path)) => read_file(path).map(Some),
            Some(PasswordSource::Setting(password)) => Ok(Some(password.as_secret().clone())),
            None => Ok(None),
        }
    }

    /// The mode of the password file, if others than its owner may use it. It is in use all the same: secrets of containers
    /// have such modes.
    #[must_use]
    pub fn open_mode(&self) -> Option<u32> {
        let Some(PasswordSource::File(path)) = self.source() else { return None };
        let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
        Some(mode).filter(|mode| mode & 0o077 != 0)
    }

    pub(super) fn resolve(&mut self, base: &Base, password: Option<Secret>) {
        self.password = password;
        base.resolve_option(&mut self.password_file);
        base.resolve_option(&mut self.file);
    }
}

/// Reads a password as Ansible does: white space around it does not count.
fn read_file(path: &Path) -> Result<SecretString, PasswordError> {
    let unreadable = |source| PasswordError::Unreadable { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
    let text = fs::read_to_string(path).map(Zeroizing::new).map_err(unreadable)?;
    // Execute bits alone mean nothing: file systems without modes show every file as executable.
    if mode & 0o111 != 0 && text.starts_with("#!") {
        return Err(PasswordError::Program(path.to_owned()));
    }
    match text.trim() {
        "" => Err(PasswordError::Empty(path.to_owned())),
        password => Ok(SecretString::from(password)),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn vault(password_file: Option<&Path>, password: Option<&str>) -> Vault {
        Vault {
            password_file: password_file.map(Path::to_owned),
            password: password.map(|password| Secret::new(password.into())),
            file: None,
        }
    }

    fn password(vault: &Vault) -> Option<String> {
        vault.read_password().unwrap().map(|password| password.expose_secret().to_owned())
    }

    #[test]
    fn the_password_file_wins_over_the_password() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "  from file \r\n").unwrap();
        assert_eq!(password(&vault(Some(file.path()), Some("from setting"))).as_deref(), Some("from file"));
        assert_eq!(password(&vault(None, Some("from setting"))).as_deref(), Some("from setting"));
        assert_eq!(password(&vault(None, None)), None);
    }

    #[test]
    fn a_password_file_must_hold_a_password() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = || vault(Some(file.path()), Some("x")).read_password().unwrap_err();
        assert!(matches!(error(), PasswordError::Empty(_)));
        fs::write(&file, "#!/bin/sh\necho x\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(error(), PasswordError::Program(_)));
        let missing = vault(Some(Path::new("/nonexistent/password")), None);
        assert!(matches!(missing.read_password(), Err(PasswordError::Unreadable { .. })));
    }
}
