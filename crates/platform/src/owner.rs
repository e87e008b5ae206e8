//! Who a thing on a platform belongs to: the mark by which Rangehand recognizes what it made, and the only thing it ever changes.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first part of every mark.
const PREFIX: &str = "rangehand";
/// The longest service or range in a mark, in bytes. With a name of 63 bytes a mark fits into the 255 bytes of an interface alias.
const MAX_WORD: usize = 40;

/// The service and the range that a thing belongs to.
///
/// As text, its mark: `rangehand/SERVICE/RANGE`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Owner {
    service: String,
    range: String,
}

/// A text that is not the mark of an owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a valid owner: use 1 to 40 lowercase letters, digits and `-`, beginning with a letter or digit"
)]
pub struct InvalidOwner(String);

impl Owner {
    /// An owner.
    ///
    /// # Errors
    /// If the service or the range is not made of 1 to 40 lowercase letters, digits and `-`.
    pub fn new(service: &str, range: &str) -> Result<Self, InvalidOwner> {
        for word in [service, range] {
            let is_valid = (1..=MAX_WORD).contains(&word.len())
                && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
                && !word.starts_with('-');
            if !is_valid {
                return Err(InvalidOwner(word.to_owned()));
            }
        }
        Ok(Self { service: service.to_owned(), range: range.to_owned() })
    }

    /// Reads a mark.
    #[must_use]
    pub fn parse(mark: &str) -> Option<Self> {
        let mut parts = mark.split('/');
        let (prefix, service, range) = (parts.next()?, parts.next()?, parts.next()?);
        (prefix == PREFIX && parts.next().is_none()).then(|| Self::new(service, range).ok()).flatten()
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The range.
    #[must_use]
    pub fn range(&self) -> &str {
        &self.range
    }

    /// A thing of this owner.
    #[must_use]
    pub fn thing(&self, kind: ThingKind, name: &str) -> Thing {
        Thing { owner: self.clone(), kind, name: name.to_owned() }
    }

    /// Bytes that differ by owner and text, for names that must be short and addresses that must be unique.
    #[must_use]
    pub fn fingerprint(&self, text: &str) -> [u8; 8] {
        let mut hash = Sha256::new();
        hash.update(self.to_string());
        hash.update([0]);
        hash.update(text);
        let hash = hash.finalize();
        std::array::from_fn(|at| hash[at])
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}/{}/{}", self.service, self.range)
    }
}

impl TryFrom<String> for Owner {
    type Error = InvalidOwner;

    fn try_from(mark: String) -> Result<Self, InvalidOwner> {
        Self::parse(&mark).ok_or(InvalidOwner(mark))
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.to_string()
    }
}

/// What a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThingKind {
    /// A network.
    Network,
    /// A machine with its disks and network interfaces.
    Machine,
    /// The routes and rules of a machine that forwards packets; its name is that of the machine.
    Rules,
}

impl ThingKind {
    /// The word for messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Machine => "machine",
            Self::Rules => "rules of machine",
        }
    }
}

/// A thing that Rangehand made, or is to make.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Thing {
    /// Who it belongs to.
    pub owner: Owner,
    /// What it is.
    pub kind: ThingKind,
    /// Its name in the range: `team01-web`.
    pub name: String,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` of range `{}`", self.kind.as_str(), self.name, self.owner.range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        let owner = Owner::new("main", "0197-ab").expect("valid");
        assert_eq!(owner.to_string(), "rangehand/main/0197-ab");
        assert_eq!(Owner::parse(&owner.to_string()), Some(owner));
    }

    #[test]
    fn a_mark_that_could_be_another_one_is_refused() {
        for (service, range) in [("", "r"), ("s", ""), ("s", "-r"), ("S", "r"), ("s/t", "r"), ("s", "r\n")] {
            assert!(Owner::new(service, range).is_err(), "{service:?} {range:?}");
        }
        for mark in ["", "rangehand", "rangehand/s", "rangehand/s/r/x", "other/s/r", "rangehand//r"] {
            assert_eq!(Owner::parse(mark), None, "{mark:?}");
        }
        assert!(Owner::new("s", &"r".repeat(41)).is_err());
    }
}
