//! The platforms of this node, by name, and how the engine uses them.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use model::RangeId;
use platform::{InvalidOwner, Owner, Platform};
use range::plan::Prices;

/// A platform, and how the engine uses it.
#[derive(Debug, Clone)]
pub struct PlatformEntry {
    /// The platform.
    pub platform: Arc<dyn Platform>,
    /// The word for its kind, such as `local`.
    pub kind: &'static str,
    /// Maximum number of concurrent calls of one plan.
    pub calls: usize,
    /// How tasks run on its machines.
    pub tasks: TaskMode,
    /// An address outside to which the verification of a range sends packets; `None` takes the one that the platform reports.
    pub verify_address: Option<IpAddr>,
    /// The prices of its resources.
    pub prices: Option<Prices>,
}

/// How tasks of a range run on the machines of a platform.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TaskMode {
    /// Over SSH, as the platform describes the access to each machine.
    #[default]
    OverSsh,
    /// Not at all: the machines do not exist. A task counts as done.
    Skipped,
    /// On this node instead of the machines, for tests and demonstrations.
    OnThisNode,
}

/// All platforms of this node; clones are cheap.
#[derive(Debug, Clone, Default)]
pub struct Platforms(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    service: String,
    entries: BTreeMap<String, PlatformEntry>,
}

impl Platforms {
    /// Creates the registry. Everything that this service creates on a platform carries `service` in its mark.
    ///
    /// # Errors
    /// When the name of the service can't be a part of a mark.
    pub fn new(service: &str, entries: BTreeMap<String, PlatformEntry>) -> Result<Self, InvalidOwner> {
        Owner::new(service, "range")?;
        Ok(Self(Arc::new(Inner { service: service.to_owned(), entries })))
    }

    /// The platform with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&PlatformEntry> {
        self.0.entries.get(name)
    }

    /// All platforms, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PlatformEntry)> {
        self.0.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// The owner of everything that is created for a range.
    ///
    /// # Errors
    /// Never, if the registry was created by [`Self::new`].
    pub fn owner(&self, range: RangeId) -> Result<Owner, InvalidOwner> {
        Owner::new(&self.0.service, &range.to_string())
    }
}
