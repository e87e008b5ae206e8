//! Which machines the targets of tasks select.

use std::collections::HashMap;

use crate::{
    document::{Document, Role, Target},
    layout::{Layout, number},
};

/// The machines of every group, role and network of one instance.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    document: &'a Document,
    pub(crate) groups: HashMap<&'a str, Vec<u32>>,
    roles: HashMap<Role, Vec<u32>>,
    networks: HashMap<String, Vec<u32>>,
    all: Vec<u32>,
}

impl<'a> Selection<'a> {
    pub(crate) fn new(layout: &Layout<'a>) -> Self {
        let document = layout.document;
        let mut groups: HashMap<&str, Vec<u32>> = HashMap::new();
        let mut roles: HashMap<Role, Vec<u32>> = HashMap::new();
        for (place, machine) in (0..).zip(document.machines.values()) {
            roles.entry(machine.role).or_default().push(place);
            for group in &machine.groups {
                let members = groups.entry(group.as_str()).or_default();
                if members.last() != Some(&place) {
                    members.push(place);
                }
            }
        }
        let of_segment = |segment: &crate::layout::Segment<'_>| {
            let mut members: Vec<u32> = segment.members.iter().map(|(machine, _)| *machine).collect();
            members.sort_unstable();
            members.dedup();
            (segment.name.to_string(), members)
        };
        let networks = layout.segments.iter().map(of_segment).collect();
        Self { document, groups, roles, networks, all: (0..number(document.machines.len())).collect() }
    }

    /// The machines that a target selects, in the order of the document.
    pub(crate) fn of(&self, target: &Target) -> Vec<u32> {
        let found = match target {
            Target::All => Some(&self.all),
            Target::Machine(name) => {
                return self.document.machines.get_index_of(name).map(number).into_iter().collect();
            }
            Target::Group(name) => self.groups.get(name.as_str()),
            Target::Role(role) => self.roles.get(role),
            Target::Network(name) => self.networks.get(name.as_str()),
        };
        found.cloned().unwrap_or_default()
    }

    /// The machines that any of the targets selects, in the order of the document.
    pub(crate) fn of_all(&self, targets: &[Target]) -> Vec<u32> {
        let mut found: Vec<u32> = targets.iter().flat_map(|target| self.of(target)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
