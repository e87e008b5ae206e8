//! Networks, links, rules and tasks.

use serde_json::{Value, json};

use super::{Allow, Cidr, Content, Name, Need, Span, Targets, Vars, names::Target};
use crate::{
    fault::{At, FaultCode, Faults},
    read::{Book, Read, object, wrong_type},
};

object! {
    /// A network: machines on it reach each other directly.
    Network {
        /// The subnet, the same in every instance. Without it each instance gets a subnet of the platform's pool.
        cidr: Option<Cidr> = None,
        /// Nothing passes between this network and the uplink, whatever the rules say.
        isolated: bool = false,
        /// What the network is for.
        description: Option<String> = None,
    }

    /// A link with its details.
    LinkFields {
        /// The two machines.
        between: Ends,
        /// The name of its network. Without it the names of both machines, joined by `-`.
        name: Option<Name> = None,
        /// The subnet. Without it each instance gets a subnet of the platform's pool.
        cidr: Option<Cidr> = None,
    }

    /// What machines of one network may send to another one. Replies always pass.
    Rule {
        /// Where the traffic comes from: a network, a link, a machine, `uplink`, or `any`.
        from: Name,
        /// Where it goes to, likewise.
        to: Name,
        /// What may pass: `any`, `icmp`, `tcp`, `udp`, or with ports such as `tcp/22` or `udp/5000-5010`.
        allow: Vec<Allow>,
    }

    /// Ansible content to run on machines, once all its needs are met and the machines are ready. Exactly one of `bundle`,
    /// `playbook` and `scenario` is required.
    Task {
        /// The name of the task.
        name: Name,
        /// The bundle to run.
        bundle: Option<Content> = None,
        /// The playbook to run.
        playbook: Option<Content> = None,
        /// The scenario to run.
        scenario: Option<Content> = None,
        /// The machines to run it on: `all`, a machine, `group NAME`, `role NAME`, `network NAME`, or a list of these.
        on: Targets = Targets(vec![Target::All]),
        /// Prerequisites: tasks, and machines (in stage `ready` unless a stage is given).
        needs: Vec<Need> = Vec::new(),
        /// Whether the content is safe to run twice. Only an idempotent task is repeated after its outcome was lost.
        idempotent: bool = false,
        /// Extra variables. In texts, `${name}` is the value of a variable and `${instance}` the name of the instance.
        vars: Vars = Vars::default(),
        /// How long one run may take.
        timeout: Option<Span> = None,
    }
}

/// The two machines of a link.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Ends(pub [Name; 2]);

impl Read for Ends {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::Array(items) if items.len() == 2 => {
                let (a, b) = (&at.item(0), &at.item(1));
                let ends = (Name::read(&items[0], a, faults), Name::read(&items[1], b, faults));
                Some(Self([ends.0?, ends.1?]))
            }
            Value::Array(items) => {
                let message = format!("a link has two machines, not {}", items.len());
                faults.add(at, FaultCode::Invalid, message);
                None
            }
            _ => wrong_type(value, "a list of two machines", at, faults),
        }
    }

    fn schema(book: &mut Book) -> Value {
        json!({ "type": "array", "items": Name::schema(book), "minItems": 2, "maxItems": 2 })
    }
}

/// A link between two machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The two machines.
    pub between: Ends,
    /// The name of its network.
    pub name: Option<Name>,
    /// The subnet.
    pub cidr: Option<Cidr>,
}

impl Link {
    /// The name of the network that the link becomes.
    #[must_use]
    pub fn network_name(&self) -> String {
        let [a, b] = &self.between.0;
        self.name.as_ref().map_or_else(|| format!("{a}-{b}"), |name| name.as_str().to_owned())
    }
}

impl Read for Link {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        if value.is_array() {
            return Ends::read(value, at, faults).map(|between| Self { between, name: None, cidr: None });
        }
        let LinkFields { between, name, cidr } = LinkFields::read(value, at, faults)?;
        Some(Self { between, name, cidr })
    }

    fn schema(book: &mut Book) -> Value {
        json!({ "anyOf": [Ends::schema(book), LinkFields::schema(book)] })
    }
}

impl serde::Serialize for Link {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { between, name, cidr } = self.clone();
        match (&name, &cidr) {
            (None, None) => between.serialize(serializer),
            _ => LinkFields { between, name, cidr }.serialize(serializer),
        }
    }
}
