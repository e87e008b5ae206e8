//! The inventories of a request: one or several, in the order in which Ansible reads them. Each is a file or directory of the
//! content, or a range: `range/ID`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ContentName, RangeId, names::BadName};

/// Maximum number of inventories in a request.
pub const MAX_INVENTORIES: usize = 16;

/// What the ID or the name of a range follows in the name of its inventory.
const RANGE_PREFIX: &str = "range/";

/// Why names are no inventories of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadInventories {
    /// There is none.
    #[error("the list of inventories is empty: name one, or leave the field out")]
    None,
    /// There are more than [`MAX_INVENTORIES`].
    #[error("{0} inventories are named: at most {MAX_INVENTORIES} are allowed")]
    TooMany(usize),
}

/// One inventory or several. In JSON a single one is a string, several are a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Inventories(Vec<ContentName>);

impl Inventories {
    /// Checks how many there are.
    ///
    /// # Errors
    /// When there is none, or too many.
    pub fn new(names: Vec<ContentName>) -> Result<Self, BadInventories> {
        match names.len() {
            0 => Err(BadInventories::None),
            1..=MAX_INVENTORIES => Ok(Self(names)),
            more => Err(BadInventories::TooMany(more)),
        }
    }

    /// The names, in order; at least one.
    pub fn iter(&self) -> impl Iterator<Item = &ContentName> {
        self.0.iter()
    }

    /// Where each inventory comes from, in order.
    pub fn origins(&self) -> impl Iterator<Item = InventoryOrigin<'_>> {
        self.iter().map(InventoryOrigin::of)
    }

    /// A text that no other combination of inventories has.
    #[must_use]
    pub fn key(&self) -> String {
        // No name has a comma.
        self.0.iter().map(ContentName::as_str).collect::<Vec<_>>().join(",")
    }
}

/// Where an inventory comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InventoryOrigin<'a> {
    /// A file or directory of the content.
    Content(&'a ContentName),
    /// The machines of a range.
    Range(RangeId),
    /// A file or directory of the content; if there is none, the machines of the range with this name.
    ContentOrRange(&'a ContentName, &'a str),
}

impl<'a> InventoryOrigin<'a> {
    fn of(name: &'a ContentName) -> Self {
        match name.as_str().strip_prefix(RANGE_PREFIX) {
            None => Self::Content(name),
            Some(range) => range.parse().map_or(Self::ContentOrRange(name, range), Self::Range),
        }
    }
}

impl From<ContentName> for Inventories {
    fn from(name: ContentName) -> Self {
        Self(vec![name])
    }
}

impl FromStr for Inventories {
    type Err = BadName;

    /// One inventory, by its name.
    fn from_str(text: &str) -> Result<Self, BadName> {
        Ok(text.parse::<ContentName>()?.into())
    }
}

impl fmt::Display for Inventories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}

impl Serialize for Inventories {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [only] => only.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Inventories {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            One(ContentName),
            Several(Vec<ContentName>),
        }
        match Given::deserialize(deserializer)? {
            Given::One(name) => Ok(name.into()),
            Given::Several(names) => Self::new(names).map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_or_a_name_after_range_is_a_range_and_every_other_name_is_content() {
        let id = "0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11";
        let text = format!(r#"["hosts","range/{id}","range/lab","range","ranges/{id}"]"#);
        let inventories: Inventories = serde_json::from_str(&text).expect("inventories");
        let origins: Vec<_> = inventories.origins().collect();
        assert_eq!(origins[1], InventoryOrigin::Range(id.parse().expect("an id")));
        assert!(matches!(origins[2], InventoryOrigin::ContentOrRange(_, "lab")));
        assert!(
            [0, 3, 4].iter().all(|at| matches!(origins[*at], InventoryOrigin::Content(_))),
            "{origins:?}"
        );
    }

    #[test]
    fn one_inventory_is_a_string_and_several_are_a_list() {
        for text in [r#""hosts""#, r#"["hosts","extra/lab.ini"]"#] {
            let inventories: Inventories = serde_json::from_str(text).expect("inventories");
            assert_eq!(serde_json::to_string(&inventories).expect("JSON"), text);
        }
        let single: Inventories = serde_json::from_str(r#"["hosts"]"#).expect("inventories");
        assert_eq!(serde_json::to_string(&single).expect("JSON"), r#""hosts""#);
        let many = format!("[{}]", vec![r#""a""#; MAX_INVENTORIES + 1].join(","));
        for text in ["[]", r#"["../x"]"#, "3", &many] {
            assert!(serde_json::from_str::<Inventories>(text).is_err(), "{text}");
        }
    }
}
