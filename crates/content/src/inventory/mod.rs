//! The values of a static YAML inventory, read without Ansible.
//!
//! Starting Ansible takes a second and a half. A few values (the address of an API, and its token) are needed more often than
//! that. So the tree of groups, its variables, `group_vars/`, `host_vars/`, and the service's file of encrypted variables are
//! read here, and vaults are decrypted. Precedence is as Ansible documents it, from low to high:
//!
//! ```text
//! vars of all < vars of groups < group_vars/all < group_vars of groups < vars of the host < host_vars < vault file
//! ```
//! and among groups: parents before children, then by `ansible_group_priority`, then by name.
//!
//! Templates are never evaluated: [`Value::Unclear`] means that only Ansible can determine the value. Inventories that are
//! programs, plugins, or INI files are rejected, and variables that playbooks, roles, or facts set are not seen.
//!
//! All of this blocks on the file system, and each vault takes about 50 ms.

mod connection_files;
mod error;
mod files;
mod groups;
mod node;
mod pattern;
mod secrets;
mod value;

#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
};

use secrecy::{ExposeSecret, SecretString};

pub use connection_files::{connection_files, connection_files_in};
pub use error::Error;
pub use secrets::secrets;
pub use value::Value;

use files::{Files, VarsKind};
use groups::{ALL, Groups, Variables};

/// The longest file of encrypted variables.
const VAULT_FILE_BYTES: u64 = 4 << 20;

/// What is read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The inventory root.
    pub root: PathBuf,
    /// The inventory file or directory, relative to it.
    pub path: PathBuf,
    /// The setting for variables that every run gets. They take precedence over all others.
    pub vault_file: Option<PathBuf>,
}

impl Source {
    /// A string that changes whenever a file of this inventory is changed, created, or deleted.
    ///
    /// # Errors
    /// When the inventory cannot be read.
    pub fn fingerprint(&self) -> Result<String, Error> {
        let print = Files::open(&self.root, &self.path)?.fingerprint()?;
        let vault = self.vault_file.as_ref().and_then(|path| path.metadata().ok()).map(|metadata| {
            (metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime_nsec())
        });
        Ok(format!("{print}{vault:?}"))
    }
}

/// An inventory that has been read.
#[derive(Debug)]
pub struct Inventory<'a> {
    files: Files,
    password: Option<&'a SecretString>,
    groups: Groups,
    by_host: BTreeMap<String, Vec<String>>,
    vault_file: Variables,
    /// Variables in files next to the inventory, once they were requested.
    beside: RefCell<BTreeMap<(VarsKind, String), Rc<Variables>>>,
}

impl<'a> Inventory<'a> {
    /// Reads the tree and the vault file. Files next to the tree are read on request.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn read(source: &Source, password: Option<&'a SecretString>) -> Result<Self, Error> {
        let files = Files::open(&source.root, &source.path)?;
        let mut groups = Groups::default();
        for (file, document) in files.inventory(password)? {
            groups.add(&document).map_err(|why| Error::Unusable { file, why })?;
        }
        let by_host = groups.by_host()?;
        let vault_file = match &source.vault_file {
            Some(path) => read_vault_file(path, password)?,
            None => Variables::new(),
        };
        Ok(Self { files, password, groups, by_host, vault_file, beside: RefCell::default() })
    }

    /// The hosts of a group and of its children, in the order of the file; none where there is no such group.
    #[must_use]
    pub fn hosts(&self, group: &str) -> Vec<&str> {
        self.groups.hosts_of(group)
    }

    /// The value of a variable for a host.
    ///
    /// # Errors
    /// When a file next to the inventory cannot be read, or an encrypted value cannot be decrypted.
    pub fn value(&self, host: &str, variable: &str) -> Result<Value, Error> {
        match self.vault_file.get(variable) {
            Some(node) => Value::of(node, self.password, || format!("`{variable}` of the vault file")),
            None => self.value_in_tree(host, variable),
        }
    }

    /// Every known value of a variable, of any host and of the vault file. Unclear values are left out.
    #[must_use]
    pub fn all_values(&self, variable: &str) -> BTreeSet<String> {
        let in_vault_file = self.vault_file.contains_key(variable).then(|| self.value("", variable));
        let of_hosts = self.hosts(ALL).into_iter().map(|host| self.value_in_tree(host, variable));
        let plain = |value: Result<Value, Error>| match value {
            Ok(Value::Plain(text)) if !text.expose_secret().is_empty() => {
                Some(text.expose_secret().to_owned())
            }
            Ok(Value::Plain(_) | Value::Unclear | Value::Absent) => None,
            Err(error) => {
                tracing::warn!(%error, variable, "a value of the inventory is unknown");
                None
            }
        };
        in_vault_file.into_iter().chain(of_hosts).filter_map(plain).collect()
    }

    /// What a variable is for a host without the vault file. From strong to weak: the first place that has it.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn value_in_tree(&self, host: &str, variable: &str) -> Result<Value, Error> {
        let of = || format!("`{variable}` of the host `{}`", host.escape_debug());
        let found = |variables: Option<&Variables>| {
            variables.and_then(|all| all.get(variable)).map(|node| Value::of(node, self.password, of))
        };
        if let Some(value) = found(Some(&*self.beside(VarsKind::Host, host)?)) {
            return value;
        }
        if let Some(value) = found(self.groups.host_variables(host)) {
            return value;
        }
        let groups = self.by_host.get(host).map(Vec::as_slice).unwrap_or_default();
        let strong_first = || groups.iter().rev().map(String::as_str);
        for group in strong_first().chain([ALL]) {
            if let Some(value) = found(Some(&*self.beside(VarsKind::Group, group)?)) {
                return value;
            }
        }
        let in_tree = strong_first().chain([ALL]).find_map(|group| found(self.groups.variables(group)));
        in_tree.unwrap_or(Ok(Value::Absent))
    }

    fn beside(&self, kind: VarsKind, name: &str) -> Result<Rc<Variables>, Error> {
        let key = (kind, name.to_owned());
        if let Some(known) = self.beside.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let variables = Rc::new(self.files.variables(kind, name, self.password)?);
        self.beside.borrow_mut().insert(key, Rc::clone(&variables));
        Ok(variables)
    }
}

fn read_vault_file(path: &Path, password: Option<&SecretString>) -> Result<Variables, Error> {
    let unreadable = |source| Error::VaultFile { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(VAULT_FILE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    let document = files::parse(&text, path, password)?;
    Ok(files::entries(document, path)?.into_iter().collect())
}
