//! Resources: what a job must have for itself while it runs, such as a machine or a range.

use std::{fmt, ops::Deref, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::serde_by_text;

/// The longest resource, in bytes.
pub const MAX_RESOURCE_BYTES: usize = 200;
/// The most resources that one job may name.
pub const MAX_RESOURCES: usize = 512;

/// Why a text is no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadResource {
    /// No `kind:name`, or a character that may not stand where it does.
    #[error(
        "`{0}` is no resource: use `kind:name`, a kind of lower-case letters, digits, `_` and `-`, a name of \
         letters, digits, `.`, `_`, `/`, `@` and `-`"
    )]
    Form(String),
    /// Longer than [`MAX_RESOURCE_BYTES`].
    #[error("the resource has {0} bytes: at most {MAX_RESOURCE_BYTES} are allowed")]
    TooLong(usize),
}

/// A checked resource: `[a-z][a-z0-9_-]*:[A-Za-z0-9._/@-]+`, such as `vm:pve1/1000`, `range:alpha`, `host:web-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource(String);

impl Resource {
    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Resource {
    type Err = BadResource;

    fn from_str(text: &str) -> Result<Self, BadResource> {
        if text.len() > MAX_RESOURCE_BYTES {
            return Err(BadResource::TooLong(text.len()));
        }
        match text.split_once(':') {
            Some((kind, name)) if is_kind(kind) && is_name(name) => Ok(Self(text.to_owned())),
            _ => Err(BadResource::Form(text.escape_debug().to_string())),
        }
    }
}

fn is_kind(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed)
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '@' | '-');
    !text.is_empty() && text.chars().all(allowed)
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_by_text!(Resource);

/// More than [`MAX_RESOURCES`] resources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} resources are too many: at most {MAX_RESOURCES} are allowed")]
pub struct TooManyResources(usize);

/// The resources of one job: sorted, each once, at most [`MAX_RESOURCES`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Resource>")]
pub struct Resources(Vec<Resource>);

impl TryFrom<Vec<Resource>> for Resources {
    type Error = TooManyResources;

    fn try_from(mut resources: Vec<Resource>) -> Result<Self, TooManyResources> {
        resources.sort_unstable();
        resources.dedup();
        if resources.len() > MAX_RESOURCES {
            return Err(TooManyResources(resources.len()));
        }
        Ok(Self(resources))
    }
}

impl Deref for Resources {
    type Target = [Resource];

    fn deref(&self) -> &[Resource] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_a_kind_and_a_name() {
        for text in ["vm:pve1/1000", "range:alpha", "host:web-1", "net-2_x:A.b/c@d_e", "a:1"] {
            assert_eq!(text.parse::<Resource>().map(|r| r.to_string()), Ok(text.to_owned()));
        }
        for bad in
            ["", ":", "vm", "vm:", ":x", "Vm:x", "1vm:x", "vm:a b", "vm:a:b", "vm:é", "vm:x\n", " vm:x"]
        {
            assert_eq!(bad.parse::<Resource>(), Err(BadResource::Form(bad.escape_debug().to_string())));
        }
        let long = format!("vm:{}", "x".repeat(MAX_RESOURCE_BYTES - 3));
        assert!(long.parse::<Resource>().is_ok());
        assert_eq!(format!("{long}x").parse::<Resource>(), Err(BadResource::TooLong(MAX_RESOURCE_BYTES + 1)));
    }

    #[test]
    fn resources_are_sorted_once_each_and_not_too_many() {
        let read: Resources = serde_json::from_str(r#"["vm:b","host:a","vm:b"]"#).expect("resources");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), r#"["host:a","vm:b"]"#);
        let number = |n| format!("vm:{n}").parse().expect("a resource");
        let many: Vec<Resource> = (0..=MAX_RESOURCES).map(number).collect();
        assert!(Resources::try_from(many[1..].to_vec()).is_ok());
        assert_eq!(Resources::try_from(many), Err(TooManyResources(MAX_RESOURCES + 1)));
    }
}
