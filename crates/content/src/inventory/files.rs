//! The files of an inventory: itself, and `group_vars/` and `host_vars/` next to it. All are below the inventory root.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use rustix::fs::FileType;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Error,
    groups::Variables,
    node::{self, Node},
};
use crate::{
    catalog::{BeneathError, Root},
    vault,
};

/// The longest file that is read: an inventory of 10,000 hosts has one.
const FILE_BYTES: u64 = 4 << 20;
/// The maximum number of files with variables of one group or host.
const FILES: usize = 200;
/// The maximum number of files whose text is searched.
const MAX_TEXTS: usize = 20_000;
/// So deep their directories may be.
const LEVELS: usize = 8;

/// The extensions of files with variables. The first file that exists is used.
const EXTENSIONS: [&str; 4] = ["", ".yml", ".yaml", ".json"];
/// Files in an inventory directory that Ansible leaves out.
const LEFT_OUT: &[&str] =
    &["pyc", "pyo", "swp", "bak", "rpm", "md", "txt", "rst", "orig", "ini", "cfg", "retry"];
const BESIDE: [&str; 2] = ["group_vars", "host_vars"];

/// The location of an inventory.
#[derive(Debug)]
pub(super) struct Files {
    root: Root,
    /// The inventory file or directory, relative to the root.
    path: PathBuf,
    is_directory: bool,
}

impl Files {
    pub(super) fn open(root: &Path, path: &Path) -> Result<Self, Error> {
        let root = Root::open(root)?;
        let is_directory = root.is_directory(path);
        Ok(Self { root, path: path.to_owned(), is_directory })
    }

    /// The documents of the inventory, in the order in which they are read.
    pub(super) fn inventory(&self, password: Option<&SecretString>) -> Result<Vec<(PathBuf, Node)>, Error> {
        let mut documents = Vec::new();
        for file in self.inventory_files()? {
            let document = self.document(&file, password)?;
            documents.push((file, document));
        }
        Ok(documents)
    }

    fn inventory_files(&self) -> Result<Vec<PathBuf>, Error> {
        if !self.is_directory {
            return Ok(vec![self.path.clone()]);
        }
        let counts = |name: &OsStr| {
            let text = name.to_string_lossy();
            let extension = Path::new(name).extension().and_then(OsStr::to_str).unwrap_or_default();
            !text.starts_with('.') && !text.ends_with('~') && !LEFT_OUT.contains(&extension)
        };
        let entries = self.root.entries(&self.path)?.into_iter();
        let files = entries.filter(|(name, _)| counts(name)).map(|(name, _)| self.path.join(name));
        Ok(files.filter(|file| self.root.is_file(file)).collect())
    }

    /// The variables in files next to the inventory for a group or a host.
    pub(super) fn variables(
        &self,
        kind: VarsKind,
        name: &str,
        password: Option<&SecretString>,
    ) -> Result<Variables, Error> {
        let mut variables = Variables::new();
        if name.contains('/') || name.starts_with('.') {
            return Ok(variables);
        }
        let directory = self.directory().join(BESIDE[kind as usize]);
        for extension in EXTENSIONS {
            let path = directory.join(format!("{name}{extension}"));
            let mut files = Vec::new();
            if self.root.is_file(&path) {
                files.push(path);
            } else if self.root.is_directory(&path) {
                self.collect(&path, LEVELS, &mut files)?;
            } else {
                continue;
            }
            for file in files {
                variables.extend(self.map(&file, password)?);
            }
            break;
        }
        Ok(variables)
    }

    fn collect(&self, directory: &Path, levels: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
        for (name, _) in self.root.entries(directory)? {
            let text = name.to_string_lossy();
            let path = directory.join(&name);
            let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
            let known = EXTENSIONS.contains(&extension.unwrap_or_default().as_str());
            if text.starts_with('.') || text.ends_with('~') || !known {
                continue;
            }
            if self.root.is_file(&path) {
                files.push(path);
            } else if self.root.is_directory(&path) && levels > 0 {
                self.collect(&path, levels - 1, files)?;
            }
            if files.len() > FILES {
                return Err(Error::Unusable {
                    file: directory.to_owned(),
                    why: format!("there are more than {FILES} files with variables in it"),
                });
            }
        }
        Ok(())
    }

    fn map(&self, file: &Path, password: Option<&SecretString>) -> Result<Vec<(String, Node)>, Error> {
        entries(self.document(file, password)?, file)
    }

    fn document(&self, file: &Path, password: Option<&SecretString>) -> Result<Node, Error> {
        let unusable = || Error::Unusable {
            file: file.to_owned(),
            why: format!("it is not a text file of at most {FILE_BYTES} bytes"),
        };
        let text = self.root.read(file, FILE_BYTES)?.ok_or_else(unusable)?;
        parse(&text, file, password)
    }

    /// The texts of all files, as they are; files that are too large or not text are left out.
    pub(super) fn texts(&self) -> Result<Vec<String>, Error> {
        let mut files = self.inventory_files()?;
        for beside in BESIDE {
            self.add_files(&self.directory().join(beside), LEVELS, &mut files)?;
        }
        files.truncate(MAX_TEXTS);
        Ok(files.iter().filter_map(|file| self.root.read(file, FILE_BYTES).ok().flatten()).collect())
    }

    fn add_files(&self, path: &Path, levels: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
        if !self.root.is_directory(path) {
            return Ok(());
        }
        for (name, _) in self.root.entries(path)? {
            let path = path.join(name);
            if self.root.is_file(&path) {
                files.push(path);
            } else if levels > 0 {
                self.add_files(&path, levels - 1, files)?;
            }
        }
        Ok(())
    }

    /// The directory that `group_vars` and `host_vars` are in.
    fn directory(&self) -> &Path {
        if self.is_directory { &self.path } else { self.path.parent().unwrap_or(Path::new("")) }
    }

    /// Changes when a file does, or when one comes or goes.
    pub(super) fn fingerprint(&self) -> Result<String, Error> {
        let mut print = String::new();
        for file in self.inventory_files()? {
            self.add_status(&file, &mut print)?;
        }
        for beside in BESIDE {
            self.add_tree(&self.directory().join(beside), LEVELS, &mut print)?;
        }
        Ok(print)
    }

    fn add_tree(&self, path: &Path, levels: usize, print: &mut String) -> Result<(), Error> {
        if !self.root.is_directory(path) {
            return Ok(());
        }
        for (name, kind) in self.root.entries(path)? {
            let path = path.join(name);
            self.add_status(&path, print)?;
            if levels > 0 && matches!(kind, FileType::Directory | FileType::Symlink) {
                self.add_tree(&path, levels - 1, print)?;
            }
        }
        Ok(())
    }

    fn add_status(&self, path: &Path, print: &mut String) -> Result<(), Error> {
        match self.root.status(path) {
            Ok(status) => {
                // The change time can't be set back, and the inode number reveals a renamed file.
                let times = (status.st_mtime, status.st_mtime_nsec, status.st_ctime, status.st_ctime_nsec);
                let _ = writeln!(print, "{path:?} {} {} {times:?}", status.st_ino, status.st_size);
                Ok(())
            }
            // Ansible reads no file through a dangling link, nor through one that leaves the root.
            Err(BeneathError::Leaves(_)) => Ok(()),
            Err(error) if error.is_absent() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Which of the two directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum VarsKind {
    Group,
    Host,
}

/// Parses a document, which can be encrypted as a whole.
pub(super) fn parse(text: &str, file: &Path, password: Option<&SecretString>) -> Result<Node, Error> {
    let broken = |place| Error::NotYaml { file: file.to_owned(), place };
    if !vault::is_vault(text) {
        return node::parse(text).map_err(broken);
    }
    let what = || format!("the file `{}`", file.display());
    let password = password.ok_or_else(|| Error::NoPassword { what: what() })?;
    let text = vault::decrypt(text, password).map_err(|source| Error::Locked { what: what(), source })?;
    node::parse(text.expose_secret()).map_err(broken)
}

/// The variables of a document.
pub(super) fn entries(document: Node, file: &Path) -> Result<Vec<(String, Node)>, Error> {
    match document {
        Node::Map(entries) => Ok(entries),
        Node::Null => Ok(Vec::new()),
        _ => Err(Error::Unusable { file: file.to_owned(), why: "it is no map of variables".to_owned() }),
    }
}
