//! A route of v0 as a row: what it takes, what it runs, what it answers.
//!
//! From the rows come registration, the checks and their 422 bodies, locks, OpenAPI, the gateway's configuration,
//! the curl scripts and the docs. What a row means is decided by [`super::plan`] and [`super::machine`].

use super::field::Field;
pub(in crate::http) use crate::http::endpoint::{Access, Verb};

/// One route.
#[derive(Debug)]
pub(in crate::http) struct Route {
    pub method: Verb,
    /// With `{name}` where the path has a name of content in it, which may have several segments.
    pub path: &'static str,
    /// Other spellings of the same route.
    pub also: &'static [(Verb, &'static str)],
    /// Its name for programs, unique.
    pub operation: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// The group it belongs to.
    pub tag: &'static str,
    pub access: Access,
    /// In the order in which their faults are told.
    pub fields: &'static [Field],
    pub plan: Plan,
    pub reply: Reply,
    /// The fields that name machines which nobody else may work on meanwhile.
    pub locks: &'static [&'static str],
}

/// What a route runs.
#[derive(Debug)]
pub(in crate::http) enum Plan {
    /// The `ping` playbook.
    Ping,
    /// The bundle or scenario that the path names.
    Named(Named),
    /// An action of the Proxmox role through the `generic` playbook.
    Action { action: &'static str, lookup: Lookup },
    /// A bundle.
    Bundle {
        bundle: &'static str,
        limit: Limit,
        /// A variable that is always given: name and value.
        constant: Option<(&'static str, &'static str)>,
    },
    /// One run of `init.yml` per machine, with its name as tag, then `main.yml`.
    CreateMachines {
        bundle: &'static str,
        /// The machines of the set; the request must name all of them and no other.
        machines: &'static [&'static str],
    },
    /// Lists machines and looks for one.
    Find { vm_id: &'static str },
}

/// Content that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Named {
    Bundle,
    Scenario,
}

/// Is the machine of `vm_id` looked up before the action?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Lookup {
    No,
    /// It must exist.
    Exists,
    /// It must exist, and its name becomes the variable `vm_name`.
    Name,
    /// The same for a container, whose name becomes `lxc_name`.
    Container,
}

/// Which hosts a bundle is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Limit {
    /// Those of the field `hosts`.
    Hosts,
    /// The host named like the node.
    Node,
}

/// What a route answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Reply {
    /// `{"rc", "log_multiline"}`.
    Log,
    /// `{"rc", "result"}` with what was printed under this key; the log when `as_json` is false.
    Results(&'static str),
    /// `null`.
    Null,
}

impl Route {
    /// All spellings, the row's own first.
    pub(in crate::http) fn spellings(&self) -> impl Iterator<Item = (Verb, &'static str)> {
        std::iter::once((self.method, self.path)).chain(self.also.iter().copied())
    }
}
