//! Who reaches whom: the matrix that a document implies, by its networks, routers and rules.
//!
//! Machines of one network reach each other directly. Everything else passes routers, which let through what a rule allows: by the
//! network that the traffic leaves from and the one that it arrives at, or by the machines themselves. Replies pass.
//! A machine with several networks that does not forward answers through its way out only, so from elsewhere it is reached by its
//! address there.

use serde::Serialize;

use crate::{
    document::{
        Allow, Document, Rule,
        names::{ANY, UPLINK},
    },
    layout::{Layout, number},
    routing::Routing,
};

/// Whether, and how, one machine reaches another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Everything passes, without a router.
    Direct {
        /// The network that both share.
        network: String,
    },
    /// What rules allow passes.
    Allowed {
        /// The network on which the target is addressed.
        network: String,
        /// What passes.
        allow: Vec<Allow>,
    },
    /// Nothing passes.
    Refused,
}

/// A row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row<'a> {
    /// The machine that sends.
    pub from: &'a str,
    /// The machine that receives, or `uplink`.
    pub to: &'a str,
    /// What passes.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// The matrix of one instance; all instances are alike. Machines of different instances do not reach each other.
#[derive(Debug)]
pub struct Reachability<'a> {
    layout: Layout<'a>,
    routing: Routing,
}

impl<'a> Reachability<'a> {
    /// Prepares the matrix of a checked document.
    #[must_use]
    pub fn new(document: &'a Document) -> Self {
        let layout = Layout::new(document);
        let routing = Routing::new(&layout);
        Self { layout, routing }
    }

    /// All pairs of different machines, and each machine with the uplink, in the order of the document.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let machines = self.layout.document.machines.len();
        let name = |machine: usize| {
            self.layout.document.machines.get_index(machine).map_or("", |(name, _)| name.as_str())
        };
        (0..machines).flat_map(move |from| {
            let others = (0..machines).filter(move |to| *to != from);
            let rows = others.map(move |to| Row {
                from: name(from),
                to: name(to),
                verdict: self.at(number(from), number(to)),
            });
            rows.chain([Row { from: name(from), to: UPLINK, verdict: self.outside(number(from)) }])
        })
    }

    /// The same, only with this machine as the sender or receiver. The receiver can be `uplink`. A machine that does not exist has no
    /// rows.
    pub fn rows_of<'r>(
        &'r self,
        from: Option<&'r str>,
        to: Option<&'r str>,
    ) -> impl Iterator<Item = Row<'r>> + 'r {
        let names = || self.layout.document.machines.keys().map(|name| name.as_str());
        let senders = names().filter(move |name| from.is_none_or(|from| from == *name));
        senders.flat_map(move |from| {
            let receivers = names().filter(move |name| *name != from).chain([UPLINK]);
            let wanted = receivers.filter(move |name| to.is_none_or(|to| to == *name));
            wanted.filter_map(move |to| Some(Row { from, to, verdict: self.between(from, to)? }))
        })
    }

    /// Whether a machine reaches another one; `None` if one of them does not exist.
    #[must_use]
    pub fn between(&self, from: &str, to: &str) -> Option<Verdict> {
        let from = number(self.layout.document.machines.get_index_of(from)?);
        if to == UPLINK {
            return Some(self.outside(from));
        }
        Some(self.at(from, number(self.layout.document.machines.get_index_of(to)?)))
    }

    /// The networks of a machine.
    fn segments(&self, machine: u32) -> impl Iterator<Item = u32> + '_ {
        self.layout.nics[machine as usize].iter().filter_map(|nic| nic.segment)
    }

    fn network(&self, segment: u32) -> String {
        self.layout.segments[segment as usize].name.to_string()
    }

    fn at(&self, from: u32, to: u32) -> Verdict {
        if let Some(shared) = self.segments(to).find(|segment| self.segments(from).any(|own| own == *segment))
        {
            return Verdict::Direct { network: self.network(shared) };
        }
        let forwards = self.layout.forwards(to);
        let way_out = self.routing.way_out(&self.layout, to);
        let answers_on = |segment: &u32| forwards || way_out == Some(*segment);
        for target in self.segments(to).filter(answers_on) {
            let source = if self.layout.forwards(from) {
                self.routing.towards(from, target)
            } else {
                self.routing.way_out(&self.layout, from)
            };
            let Some(source) = source else { continue };
            if self.routing.part[source as usize] != self.routing.part[target as usize] {
                continue;
            }
            let allow = self.allowed(|rule| {
                self.names(rule.from.as_str(), source, from) && self.names(rule.to.as_str(), target, to)
            });
            if !allow.is_empty() {
                return Verdict::Allowed { network: self.network(target), allow };
            }
        }
        Verdict::Refused
    }

    fn outside(&self, from: u32) -> Verdict {
        if self.layout.has_uplink(from) {
            return Verdict::Direct { network: UPLINK.to_owned() };
        }
        let Some(source) = self.routing.way_out(&self.layout, from) else { return Verdict::Refused };
        let root = self.routing.root[self.routing.part[source as usize] as usize];
        let leads_outside = root.is_some_and(|root| self.layout.has_uplink(root));
        if !leads_outside || self.layout.segments[source as usize].isolated {
            return Verdict::Refused;
        }
        let allow = self.allowed(|rule| {
            self.names(rule.from.as_str(), source, from) && [ANY, UPLINK].contains(&rule.to.as_str())
        });
        if allow.is_empty() {
            Verdict::Refused
        } else {
            Verdict::Allowed { network: UPLINK.to_owned(), allow }
        }
    }

    /// Does the side of a rule name the network or the machine?
    fn names(&self, side: &str, segment: u32, machine: u32) -> bool {
        let is_machine = || {
            self.layout
                .document
                .machines
                .get_index(machine as usize)
                .is_some_and(|(name, _)| name.as_str() == side)
        };
        side == ANY || self.layout.segment(side) == Some(segment) || is_machine()
    }

    /// What the rules that match allow, each once; `any` stands for everything.
    fn allowed(&self, matches: impl Fn(&Rule) -> bool) -> Vec<Allow> {
        let rules = self.layout.document.rules.iter().filter(|rule| matches(rule));
        let mut allow: Vec<Allow> = rules.flat_map(|rule| rule.allow.iter().copied()).collect();
        allow.sort_unstable();
        allow.dedup();
        if allow.contains(&Allow::Any) { vec![Allow::Any] } else { allow }
    }
}
