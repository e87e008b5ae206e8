//! The ways between the networks of an instance: which machine is the gateway of which network, and which networks are connected.
//!
//! Forwarding machines and networks form a graph. Each connected part of it gets one root, through which traffic leaves: the
//! main jumpbox with an uplink, else the first forwarding machine with an uplink, else the main jumpbox, else the first
//! forwarding machine. A breadth-first search from the root yields a tree: the gateway of a network is the machine that the
//! search came from, the way out of a forwarding machine is the network that it was found on.

use std::collections::VecDeque;

use crate::{document::Role, layout::Layout};

/// The ways between the networks of one instance.
#[derive(Debug)]
pub(crate) struct Routing {
    /// The gateway of each segment.
    pub(crate) gateway: Vec<Option<u32>>,
    /// For each machine that forwards and is not a root: the segment that leads to the root.
    pub(crate) up: Vec<Option<u32>>,
    /// The connected part of each segment.
    pub(crate) part: Vec<u32>,
    /// The root of each part; `None` for a network without a forwarding machine.
    pub(crate) root: Vec<Option<u32>>,
    /// How many machines lie between each segment and the root, the root included.
    pub(crate) depth: Vec<u32>,
}

const UNSEEN: u32 = u32::MAX;

impl Routing {
    pub(crate) fn new(layout: &Layout<'_>) -> Self {
        let segments = layout.segments.len();
        let mut routing = Self {
            gateway: vec![None; segments],
            up: vec![None; layout.nics.len()],
            part: vec![UNSEEN; segments],
            root: Vec::new(),
            depth: vec![0; segments],
        };
        let mut is_seen = vec![false; layout.nics.len()];
        for root in candidates(layout) {
            if !is_seen[root as usize] {
                routing.search(layout, root, &mut is_seen);
            }
        }
        for segment in 0..segments {
            if routing.part[segment] == UNSEEN {
                routing.part[segment] = crate::layout::number(routing.root.len());
                routing.root.push(None);
            }
        }
        routing
    }

    fn search(&mut self, layout: &Layout<'_>, root: u32, is_seen: &mut [bool]) {
        let part = crate::layout::number(self.root.len());
        self.root.push(Some(root));
        is_seen[root as usize] = true;
        let mut open = VecDeque::from([root]);
        while let Some(machine) = open.pop_front() {
            let above = self.up[machine as usize].map_or(0, |segment| self.depth[segment as usize]);
            for segment in layout.nics[machine as usize].iter().filter_map(|nic| nic.segment) {
                let place = segment as usize;
                if self.part[place] != UNSEEN {
                    continue;
                }
                (self.part[place], self.gateway[place], self.depth[place]) = (part, Some(machine), above + 1);
                for (member, _) in &layout.segments[place].members {
                    if layout.forwards(*member) && !is_seen[*member as usize] {
                        is_seen[*member as usize] = true;
                        self.up[*member as usize] = Some(segment);
                        open.push_back(*member);
                    }
                }
            }
        }
    }

    /// The network through which a machine reaches what it is not attached to: for one that forwards the way to the root, for another
    /// its first network with a gateway. A machine with an uplink of its own leaves by that.
    pub(crate) fn way_out(&self, layout: &Layout<'_>, machine: u32) -> Option<u32> {
        if layout.forwards(machine) {
            return self.up[machine as usize];
        }
        if layout.has_uplink(machine) {
            return None;
        }
        let attached = layout.nics[machine as usize].iter().filter_map(|nic| nic.segment);
        attached.into_iter().find(|segment| self.gateway[*segment as usize].is_some())
    }

    /// The network on which a forwarding machine sends towards a segment of its part: one of its own if the segment lies below it, else
    /// the way to the root.
    pub(crate) fn towards(&self, machine: u32, segment: u32) -> Option<u32> {
        let mut at = segment;
        loop {
            let gateway = self.gateway[at as usize]?;
            if gateway == machine {
                return Some(at);
            }
            match self.up[gateway as usize] {
                Some(above) => at = above,
                None => return self.up[machine as usize],
            }
        }
    }

    /// The machine through which the operator reaches a machine; `None` where the way in leads to it directly.
    pub(crate) fn upstream(&self, layout: &Layout<'_>, machine: u32) -> Option<u32> {
        if layout.document.machines[machine as usize].role == Role::Jumpbox {
            return None;
        }
        self.gateway[self.way_out(layout, machine)? as usize]
    }

    /// How many routes all forwarding machines need together.
    pub(crate) fn route_count(&self) -> u64 {
        self.depth.iter().map(|depth| u64::from(depth.saturating_sub(1))).sum()
    }
}

/// The forwarding machines, best root first.
fn candidates(layout: &Layout<'_>) -> Vec<u32> {
    let machines = 0..crate::layout::number(layout.nics.len());
    let mut forwarding: Vec<u32> = machines.filter(|machine| layout.forwards(*machine)).collect();
    forwarding.sort_by_key(|machine| {
        let is_jumpbox = layout.document.machines[*machine as usize].role == Role::Jumpbox;
        (!layout.has_uplink(*machine), !is_jumpbox, *machine)
    });
    forwarding
}

/// Which machines the operator reaches, by the parts of the network that a way in leads to.
pub(crate) fn reached(layout: &Layout<'_>, routing: &Routing) -> Vec<bool> {
    let mut reached_parts = vec![false; routing.root.len()];
    let is_way_in = |machine: u32| {
        let role = layout.document.machines[machine as usize].role;
        role == Role::Jumpbox || (role.forwards() && layout.has_uplink(machine))
    };
    let machines = 0..crate::layout::number(layout.nics.len());
    for machine in machines.clone().filter(|machine| is_way_in(*machine)) {
        for segment in layout.nics[machine as usize].iter().filter_map(|nic| nic.segment) {
            reached_parts[routing.part[segment as usize] as usize] = true;
        }
    }
    let is_reached = |machine: u32| {
        let nics = &layout.nics[machine as usize];
        let mut parts =
            nics.iter().filter_map(|nic| nic.segment).map(|segment| routing.part[segment as usize]);
        is_way_in(machine) || layout.has_uplink(machine) || parts.any(|part| reached_parts[part as usize])
    };
    machines.map(is_reached).collect()
}
