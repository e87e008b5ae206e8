//! Drift: what differs between what is recorded of a range and what its platform has, and what repairs that.
//!
//! [`Comparison::adjusted`] is the recorded state, corrected by what was observed. The plan from it to the desired state is the
//! repair: it has steps only for what differs. Things that the platform doesn't report are taken as recorded.

mod adjust;
mod difference;
mod machine;

#[cfg(test)]
mod tests;

use platform::{Capabilities, Observed, Power, RulesState};
use range::{Desired, Recorded, document::Stage};

pub use self::difference::{Difference, DriftKind};
use self::{
    adjust::{machine_of, network_of},
    difference::text,
    machine::Seen,
};

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// What the document asks for.
    pub desired: &'a Desired,
    /// What is recorded.
    pub recorded: &'a Recorded,
    /// What the platform has.
    pub observed: &'a Observed,
    /// What the platform can do, and so what it reports.
    pub capabilities: &'a Capabilities,
}

impl Comparison<'_> {
    /// All differences: networks, then machines, then leftovers, each by name.
    #[must_use]
    pub fn differences(&self) -> Vec<Difference> {
        self.compare().0
    }

    /// The recorded state, corrected by what was observed.
    #[must_use]
    pub fn adjusted(&self) -> Recorded {
        self.compare().1
    }

    fn compare(&self) -> (Vec<Difference>, Recorded) {
        let (mut differences, mut adjusted) = (Vec::new(), self.recorded.clone());
        self.networks(&mut differences, &mut adjusted);
        self.machines(&mut differences, &mut adjusted);
        for leftover in &self.observed.leftovers {
            differences.push(Difference {
                kind: DriftKind::Leftover,
                name: leftover.what.clone(),
                instance: String::new(),
                recorded: text("nothing"),
                observed: leftover.what.clone(),
                repair: format!("by hand: {}", leftover.remove_by),
            });
        }
        (differences, adjusted)
    }

    fn networks(&self, differences: &mut Vec<Difference>, adjusted: &mut Recorded) {
        for (name, network) in &self.recorded.networks {
            let mut differs = |kind, observed: String, repair: &str| {
                differences.push(Difference {
                    kind,
                    name: name.clone(),
                    instance: network.instance.clone(),
                    recorded: network.cidr.to_string(),
                    observed,
                    repair: text(repair),
                });
            };
            match self.observed.network(name) {
                None => {
                    differs(DriftKind::NetworkMissing, text("nothing"), "the network is created");
                    adjusted.networks.remove(name);
                }
                Some(seen) => {
                    let Some(cidr) = seen.cidr.filter(|cidr| *cidr != network.cidr) else { continue };
                    let repair = "the network is corrected, or replaced where the platform cannot change it";
                    differs(DriftKind::NetworkSubnet, cidr.to_string(), repair);
                    let changed = range::expand::spec::NetworkSpec { cidr, ..(**network).clone() };
                    adjusted.networks.insert(name.clone(), changed.into());
                }
            }
        }
        let unknown = |name: &str| !self.recorded.networks.contains_key(name);
        for seen in self.observed.networks.iter().filter(|seen| unknown(&seen.name)) {
            let is_desired = self.desired.networks.iter().any(|network| network.name == seen.name);
            differences.push(Difference {
                kind: DriftKind::NetworkUnknown,
                name: seen.name.clone(),
                instance: String::new(),
                recorded: text("nothing"),
                observed: format!("network `{}`", seen.id),
                repair: text(if is_desired { "the network is adopted" } else { "the network is removed" }),
            });
            if !is_desired {
                adjusted.networks.insert(seen.name.clone(), network_of(seen));
            }
        }
    }

    fn machines(&self, differences: &mut Vec<Difference>, adjusted: &mut Recorded) {
        for (name, machine) in &self.recorded.machines {
            let mut differs = |kind, recorded: String, observed: String, repair: &str| {
                let (name, instance) = (name.clone(), machine.spec.instance.clone());
                differences.push(Difference {
                    kind,
                    name,
                    instance,
                    recorded,
                    observed,
                    repair: text(repair),
                });
            };
            let Some(seen) = self.observed.machine(name) else {
                let repair = "the machine is created, and its tasks run again";
                differs(DriftKind::MachineMissing, machine.stage.to_string(), text("nothing"), repair);
                adjust::forget_machine(adjusted, name);
                continue;
            };
            if let Some(damage) = &seen.damage {
                let repair = "the machine is created again, and its tasks run again";
                differs(DriftKind::MachineDamaged, machine.stage.to_string(), damage.clone(), repair);
                adjust::forget_machine(adjusted, name);
                continue;
            }
            let Some(to_adjust) = adjusted.machines.get_mut(name) else { continue };
            match (machine.stage, seen.power) {
                (Stage::Created, Power::On) => {
                    let repair = "it is awaited until it is ready";
                    differs(DriftKind::MachineRunning, text("stopped"), text("running"), repair);
                    to_adjust.stage = Stage::Started;
                }
                (Stage::Started | Stage::Ready | Stage::Configured, Power::Off) => {
                    differs(
                        DriftKind::MachineStopped,
                        machine.stage.to_string(),
                        text("stopped"),
                        "the machine is started",
                    );
                    to_adjust.stage = Stage::Created;
                }
                (Stage::Created, Power::Off)
                | (Stage::Started | Stage::Ready | Stage::Configured, Power::On) => {}
            }
            let comparison = Seen { spec: &machine.spec, seen };
            if let Some(spec) = comparison.changed_spec(&mut differs) {
                to_adjust.spec = spec.into();
            }
            for snapshot in machine.snapshots.keys().filter(|name| !seen.snapshots.contains(name)) {
                let recorded = format!("snapshot `{snapshot}`");
                let repair = "nothing: a snapshot cannot be taken again afterwards; it is forgotten";
                differs(DriftKind::SnapshotMissing, recorded, text("nothing"), repair);
                to_adjust.snapshots.remove(snapshot);
            }
            let is_router = self.capabilities.rules && self.recorded.routers.contains_key(name);
            let repair = "the rules and routes are set again";
            match seen.rules {
                RulesState::None if is_router => {
                    differs(DriftKind::RulesMissing, text("rules"), text("nothing"), repair);
                    adjusted.routers.remove(name);
                }
                RulesState::Changed if is_router => {
                    differs(DriftKind::RulesChanged, text("rules"), text("other rules or routes"), repair);
                    adjusted.routers.remove(name);
                }
                RulesState::None | RulesState::Set | RulesState::Changed => {}
            }
        }
        let unknown = |name: &str| !self.recorded.machines.contains_key(name);
        for seen in self.observed.machines.iter().filter(|seen| unknown(&seen.name)) {
            let is_desired = self.desired.machines.iter().any(|machine| machine.name == seen.name);
            differences.push(Difference {
                kind: DriftKind::MachineUnknown,
                name: seen.name.clone(),
                instance: String::new(),
                recorded: text("nothing"),
                observed: format!("machine `{}`", seen.id),
                repair: text(if is_desired {
                    "the machine is adopted, corrected, and started"
                } else {
                    "the machine is removed"
                }),
            });
            if !is_desired {
                adjusted.machines.insert(seen.name.clone(), machine_of(seen));
            }
        }
    }
}
