//! The range document: what a range consists of, as its author wrote it.
//!
//! The declarations in this folder are the one source of the reader, the JSON schema and `docs/range-document.md`.

pub mod address;
pub mod content;
pub mod machine;
mod named;
pub mod names;
pub mod quantity;
pub mod text;
pub mod topology;

use serde_json::{Value, json};

pub use self::{
    address::{Address, Allow, Cidr},
    content::{Content, Scalar, Variable, VariableType, Vars},
    machine::{Machine, MachineKind, Nic, Probe, Ready},
    named::Named,
    names::{Name, Need, Pattern, Role, Stage, Target, Targets},
    quantity::{Cores, Count, DiskGb, MemoryMb, Port, Span},
    topology::{Link, Network, Rule, Task},
};
use crate::{
    fault::{At, FaultCode, Faults, words},
    read::{Book, Read, object, read_words, wrong_type},
};

words! {
    /// Which topologies the document allows.
    TopologyKind {
        /// Any networks and links.
        Free = "free",
        /// Links only, and they form a tree: connected, without cycles, with exactly one machine of role `jumpbox`.
        Tree = "tree",
    }
}

words! {
    /// What happens when a step of a plan fails.
    OnFailure {
        /// Whatever the plan created is removed again.
        Rollback = "rollback",
        /// Everything stays as it is.
        Keep = "keep",
    }
}

read_words!(TopologyKind, OnFailure);

object! {
    /// A range: networks, machines and tasks, and how many copies of them.
    Document {
        /// The name of the range.
        name: Name,
        /// What the range is for.
        description: Option<String> = None,
        /// Which topologies are allowed.
        kind: TopologyKind = TopologyKind::Free,
        /// The name of the platform on which the machines run.
        platform: Name,
        /// Number of copies of the range, one per team or student: a number, or a mapping with the number and the pattern of
        /// the names.
        instances: Instances = Instances { count: Count(1), name: None },
        /// Variables by name.
        variables: Named<Variable> = Named::new(),
        /// Networks by name. The name `uplink` is reserved for the network of the platform that leads outside.
        networks: Named<Network> = Named::new(),
        /// Machines by name.
        machines: Named<Machine>,
        /// Point-to-point links between two machines, each a network of its own.
        links: Vec<Link> = Vec::new(),
        /// What machines of different networks may send to each other. Everything else between networks is refused.
        rules: Vec<Rule> = Vec::new(),
        /// How the readiness of machines is determined, by machine. Without an entry the template decides.
        ready: Named<Ready> = Named::new(),
        /// Playbooks, bundles and scenarios to run on the machines.
        tasks: Vec<Task> = Vec::new(),
        /// Send packets between all machines at the end and compare with what the document allows.
        verify: bool = false,
        /// The lifetime of the range. Without it the range stays until it is destroyed.
        ttl: Option<Span> = None,
        /// What happens when a step of a plan fails.
        on_failure: OnFailure = OnFailure::Rollback,
    }

    /// The number of instances and their names.
    NamedInstances {
        /// The number of instances.
        count: Count,
        /// The pattern of their names, in which `{n}` is the number of the instance, counted from 1. The names of machines
        /// begin with the name of their instance.
        name: Option<Pattern> = None,
    }
}

/// How many instances there are, and how they are named.
#[derive(Debug, Clone, PartialEq)]
pub struct Instances {
    /// How many.
    pub count: Count,
    /// The pattern of their names. A single instance without a pattern has no name.
    pub name: Option<Pattern>,
}

impl Read for Instances {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        if value.is_object() {
            let NamedInstances { count, name } = NamedInstances::read(value, at, faults)?;
            return Some(Self { count, name });
        }
        if !value.is_number() {
            return wrong_type(value, "a number or a mapping with `count` and `name`", at, faults);
        }
        Count::read(value, at, faults).map(|count| Self { count, name: None })
    }

    fn schema(book: &mut Book) -> Value {
        json!({ "anyOf": [Count::schema(book), NamedInstances::schema(book)] })
    }
}

impl serde::Serialize for Instances {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.name {
            None => self.count.serialize(serializer),
            Some(name) => {
                NamedInstances { count: self.count, name: Some(name.clone()) }.serialize(serializer)
            }
        }
    }
}

impl Instances {
    /// The name of an instance, counted from 1; none for the only instance of a document without a pattern.
    #[must_use]
    pub fn name_of(&self, n: u32) -> Option<String> {
        match (&self.name, self.count) {
            (Some(pattern), _) => Some(pattern.name(n)),
            (None, Count(1)) => None,
            (None, _) => Some(Pattern::usual().name(n)),
        }
    }
}

impl Document {
    /// Reads a document from a value: every fault of its form is recorded. What has one is left out or replaced by its default, so
    /// that checks of the rest are still possible.
    pub fn read_value(value: &Value, faults: &mut Faults) -> Option<Self> {
        Self::read(value, &At::Root, faults)
    }

    /// Reads a document from a value, without checks beyond its form.
    ///
    /// # Errors
    /// All faults of its form.
    pub fn from_value(value: &Value) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let document = Self::read_value(value, &mut faults);
        match document {
            Some(document) if faults.is_empty() => Ok(document),
            _ => {
                if faults.is_empty() {
                    faults.add(&At::Root, FaultCode::Invalid, "the document is invalid");
                }
                Err(faults)
            }
        }
    }

    /// Does a network with this name exist, the uplink included?
    #[must_use]
    pub fn has_network(&self, name: &str) -> bool {
        name == names::UPLINK || self.networks.contains_key(name)
    }
}

impl<'de> serde::Deserialize<'de> for Document {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_value(&value).map_err(serde::de::Error::custom)
    }
}
