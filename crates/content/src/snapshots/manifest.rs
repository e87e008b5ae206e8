//! The manifest of a tree: one entry for each file, directory, and link, sorted by path, and its format on disk.
//!
//! The form is made so that "has anything changed?" is one comparison of bytes: two walks over an unchanged tree give
//! the same bytes.

use std::{
    collections::HashMap,
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Seconds and nanoseconds since 1970.
pub(crate) type Time = (i64, u32);

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Link {
        /// As it is written.
        text: PathBuf,
        /// For an absolute one: the same place, seen from the directory of the link.
        relative: Option<PathBuf>,
    },
}

/// One file, directory or link of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Relative to the root of the tree; empty for the root itself.
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
    /// The permission bits.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    pub(crate) modified: Time,
    /// When anything of it changed; zero when that is too recent to be distinguished from a later change.
    pub(crate) changed: Time,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Which of the walk's roots it was found below; not part of what is compared.
    pub(crate) origin: u32,
}

/// The first bytes of the form; another one is never equal.
const FORM: &[u8] = b"rangehand-manifest-1\n";

/// The entries as bytes.
pub(crate) fn encode(boot: &str, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * 120 + 100);
    bytes.extend_from_slice(FORM);
    put(&mut bytes, boot.as_bytes());
    for entry in entries {
        put(&mut bytes, entry.path.as_os_str().as_bytes());
        let (kind, text, relative) = match &entry.kind {
            Kind::File => (0, None, None),
            Kind::Directory => (1, None, None),
            Kind::Link { text, relative } => (2, Some(text), relative.as_ref()),
        };
        bytes.push(kind);
        if let Some(text) = text {
            put(&mut bytes, text.as_os_str().as_bytes());
            put(&mut bytes, relative.map_or(&[][..], |path| path.as_os_str().as_bytes()));
        }
        for number in [entry.mode, entry.uid, entry.gid, entry.modified.1, entry.changed.1] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in [entry.size, entry.device, entry.inode] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in [entry.modified.0, entry.changed.0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    bytes
}

/// The entries of a form.
///
/// # Errors
/// When the bytes are not a manifest.
pub(crate) fn decode(bytes: &[u8]) -> io::Result<Vec<Entry>> {
    decode_at_most(bytes, usize::MAX)
}

/// The first entry of a form: the root.
///
/// # Errors
/// When the bytes are not a manifest.
pub(crate) fn decode_first(bytes: &[u8]) -> io::Result<Option<Entry>> {
    Ok(decode_at_most(bytes, 1)?.pop())
}

fn decode_at_most(bytes: &[u8], most: usize) -> io::Result<Vec<Entry>> {
    let mut reader = Reader(bytes);
    if reader.take(FORM.len())? != FORM {
        return Err(io::ErrorKind::InvalidData.into());
    }
    reader.text()?;
    let mut entries = Vec::new();
    while !reader.0.is_empty() && entries.len() < most {
        let path = reader.path()?;
        let kind = match reader.take(1)?[0] {
            0 => Kind::File,
            1 => Kind::Directory,
            2 => {
                let (text, relative) = (reader.path()?, reader.path()?);
                Kind::Link { text, relative: Some(relative).filter(|path| !path.as_os_str().is_empty()) }
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let [mode, uid, gid, modified, changed] = [(); 5].map(|()| reader.number::<4>());
        let [size, device, inode, modified_s, changed_s] = [(); 5].map(|()| reader.number::<8>());
        let small = |number: io::Result<[u8; 4]>| number.map(u32::from_le_bytes);
        let large = |number: io::Result<[u8; 8]>| number.map(u64::from_le_bytes);
        let time = |number: io::Result<[u8; 8]>| number.map(i64::from_le_bytes);
        entries.push(Entry {
            path,
            kind,
            mode: small(mode)?,
            uid: small(uid)?,
            gid: small(gid)?,
            size: large(size)?,
            modified: (time(modified_s)?, small(modified)?),
            changed: (time(changed_s)?, small(changed)?),
            device: large(device)?,
            inode: large(inode)?,
            origin: 0,
        });
    }
    Ok(entries)
}

/// The entries by their paths.
pub(crate) fn by_path(entries: &[Entry]) -> HashMap<&Path, &Entry> {
    entries.iter().map(|entry| (entry.path.as_path(), entry)).collect()
}

impl Entry {
    /// Is it certain that this is what the other one was, content included?
    pub(crate) fn is_unchanged(&self, before: &Self) -> bool {
        let own = Self { origin: before.origin, ..self.clone() };
        own == *before && (self.kind != Kind::File || self.changed != (0, 0))
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }
}

fn put(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(text);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn text(&mut self) -> io::Result<&'a [u8]> {
        let length = u32::from_le_bytes(self.number()?);
        self.take(length as usize)
    }

    fn path(&mut self) -> io::Result<PathBuf> {
        Ok(PathBuf::from(OsStr::from_bytes(self.text()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were() {
        let entry = |path: &str, kind| Entry {
            path: path.into(),
            kind,
            mode: 0o640,
            uid: 1,
            gid: 2,
            size: 3,
            modified: (-4, 5),
            changed: (6, 7),
            device: 8,
            inode: 9,
            origin: 0,
        };
        let link =
            |relative: Option<&str>| Kind::Link { text: "/a".into(), relative: relative.map(PathBuf::from) };
        let entries = vec![
            entry("", Kind::Directory),
            entry("a\nb", Kind::File),
            entry("c", link(None)),
            entry("d", link(Some("x"))),
        ];
        let bytes = encode("boot", &entries);
        assert_eq!(decode(&bytes).expect("a manifest"), entries);
        assert!(decode(&bytes[..bytes.len() - 1]).is_err() && decode(b"x").is_err());
    }
}
