//! Resources that a job needs while it runs, such as a machine or a range, exclusively or shared.
//!
//! A resource is locked by jobs for as long as they run, and by owners for as long as they want: an owner is a thing
//! such as a range, which needs its machines beyond any job. Jobs that act for an owner can use the resources it holds.

use std::{fmt, ops::Deref, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{JobId, serde_by_text, text_enum};

/// The longest resource, in bytes.
pub const MAX_RESOURCE_BYTES: usize = 200;
/// Maximum number of resources of a job.
pub const MAX_RESOURCES: usize = 512;

/// Why a resource is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadResource {
    /// Not `kind:name`, or an invalid character.
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

text_enum! {
    /// How a resource is locked: exclusively or shared.
    LockMode {
        /// One holder alone.
        Exclusive = "exclusive",
        /// Any number of holders, each of them shared.
        Shared = "shared",
    }
}

/// A resource, and how it is locked. In JSON the text of the resource alone when that is exclusive, else
/// `{"name": "vm:pve1/1000", "mode": "shared"}`; as an object, `"exclusive"` is valid as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceLock {
    /// The resource.
    pub resource: Resource,
    /// How it is locked.
    pub mode: LockMode,
}

impl From<Resource> for ResourceLock {
    fn from(resource: Resource) -> Self {
        Self { resource, mode: LockMode::Exclusive }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: Resource,
    mode: LockMode,
}

impl Serialize for ResourceLock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.mode {
            LockMode::Exclusive => self.resource.serialize(serializer),
            mode @ LockMode::Shared => Named { name: self.resource.clone(), mode }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ResourceLock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ResourceLock;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, or an object with `name` and `mode`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ResourceLock, E> {
                text.parse::<Resource>().map(ResourceLock::from).map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ResourceLock, A::Error> {
                let Named { name, mode } = Named::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(ResourceLock { resource: name, mode })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Who has a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A job, while it runs.
    Job(JobId),
    /// A thing, named as a resource is (`range:alpha`), until it is released.
    Owner(Resource),
}

/// The resources of one job: sorted, each once, at most [`MAX_RESOURCES`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<ResourceLock>")]
pub struct Resources(Vec<ResourceLock>);

impl TryFrom<Vec<ResourceLock>> for Resources {
    type Error = TooManyResources;

    /// A resource that is named twice is exclusive if it is so once.
    fn try_from(mut locks: Vec<ResourceLock>) -> Result<Self, TooManyResources> {
        // Of the same resource, exclusive comes first.
        locks.sort_unstable();
        locks.dedup_by(|next, first| next.resource == first.resource);
        if locks.len() > MAX_RESOURCES {
            return Err(TooManyResources(locks.len()));
        }
        Ok(Self(locks))
    }
}

impl TryFrom<Vec<Resource>> for Resources {
    type Error = TooManyResources;

    /// All of them exclusive.
    fn try_from(resources: Vec<Resource>) -> Result<Self, TooManyResources> {
        resources.into_iter().map(ResourceLock::from).collect::<Vec<_>>().try_into()
    }
}

impl Deref for Resources {
    type Target = [ResourceLock];

    fn deref(&self) -> &[ResourceLock] {
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

    #[test]
    fn a_lock_is_exclusive_unless_it_says_shared() {
        let read = |text: &str| serde_json::from_str::<Resources>(text);
        for (given, kept) in [
            (r#"["vm:a"]"#, r#"["vm:a"]"#),
            (r#"[{"name":"vm:a","mode":"exclusive"}]"#, r#"["vm:a"]"#),
            (r#"[{"mode":"shared","name":"vm:a"},"vm:b"]"#, r#"[{"name":"vm:a","mode":"shared"},"vm:b"]"#),
            (r#"[{"name":"vm:a","mode":"shared"},"vm:a"]"#, r#"["vm:a"]"#),
        ] {
            let locks = read(given).expect("resources");
            assert_eq!(serde_json::to_string(&locks).expect("JSON"), kept);
        }
        for (bad, said) in [
            (r#"["vm"]"#, "`vm` is no resource"),
            (r#"[7]"#, "expected a string, or an object with `name` and `mode`"),
            (r#"[{"name":"vm:a"}]"#, "missing field `mode`"),
            (r#"[{"name":"vm:a","mode":"mine"}]"#, "use exclusive, shared"),
            (r#"[{"name":"vm:a","mode":"shared","x":1}]"#, "unknown field `x`"),
        ] {
            let error = read(bad).expect_err(bad).to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
