//! Routes of v0 as rows: their fields, their plan, and their response.
//!
//! Registration, validation with its 422 responses, locks, OpenAPI, the gateway configuration, the curl scripts,
//! and the documentation are derived from the rows. [`super::plan`] and [`super::machine`] implement them.

use super::field::Field;
pub(in crate::http) use crate::http::endpoint::{Access, Verb};

/// One route.
#[derive(Debug)]
pub(in crate::http) struct Route {
    pub method: Verb,
    /// The path. `{name}` is the name of content, which can have several segments.
    pub path: &'static str,
    /// Alternative methods and paths of the same route.
    pub also: &'static [(Verb, &'static str)],
    /// A unique identifier.
    pub operation: &'static str,
    /// A description of one sentence.
    pub summary: &'static str,
    /// The group in the documents.
    pub tag: &'static str,
    pub access: Access,
    /// The fields, in the order in which their faults are reported.
    pub fields: &'static [Field],
    pub plan: Plan,
    pub reply: Reply,
    /// The fields that contain the IDs of machines to lock.
    pub locks: &'static [&'static str],
}

/// What a route runs.
#[derive(Debug)]
pub(in crate::http) enum Plan {
    /// The `ping` playbook.
    Ping,
    /// The bundle or scenario in the path.
    Named(Named),
    /// An action of the Proxmox role through the `generic` playbook.
    Action { action: &'static str, lookup: Lookup },
    /// A bundle.
    Bundle {
        bundle: &'static str,
        limit: Limit,
        /// A variable that is always set: name and value.
        constant: Option<(&'static str, &'static str)>,
    },
    /// One run of `init.yml` per machine, with its name as tag, then `main.yml`.
    CreateMachines {
        bundle: &'static str,
        /// The machines of the set. The request must name exactly these.
        machines: &'static [&'static str],
    },
    /// Lists machines and searches for one.
    Find { vm_id: &'static str },
}

/// Content that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Named {
    Bundle,
    Scenario,
}

/// Whether the machine with the ID `vm_id` is looked up before the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Lookup {
    No,
    /// It must exist.
    Exists,
    /// It must exist, and its name becomes the variable `vm_name`.
    Name,
    /// Like `Name` for a container, whose name becomes `lxc_name`.
    Container,
}

/// Which hosts a bundle is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Limit {
    /// The hosts of the field `hosts`.
    Hosts,
    /// The host named like the node.
    Node,
}

/// The response of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Reply {
    /// `{"rc", "log_multiline"}`.
    Log,
    /// `{"rc", "result"}` with the results under this key; the log when `as_json` is false.
    Results(&'static str),
    /// `null`.
    Null,
}

impl Route {
    /// All methods and paths, starting with the primary one.
    pub(in crate::http) fn spellings(&self) -> impl Iterator<Item = (Verb, &'static str)> {
        std::iter::once((self.method, self.path)).chain(self.also.iter().copied())
    }
}
