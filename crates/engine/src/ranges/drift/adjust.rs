//! Records as they would be for what was observed.

use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use platform::{ObservedMachine, ObservedNetwork, Power};
use range::{
    Recorded,
    document::{Cidr, Role, Stage},
    expand::spec::{MachineSpec, NetworkSpec, NicSpec},
    plan::RecordedMachine,
};

/// Removes a machine with what was recorded of it.
pub(super) fn forget_machine(recorded: &mut Recorded, name: &str) {
    recorded.machines.remove(name);
    recorded.routers.remove(name);
    for task in recorded.tasks.values_mut() {
        task.done_on.remove(name);
    }
}

/// A network that is not recorded, so that a plan removes it.
pub(super) fn network_of(seen: &ObservedNetwork) -> Arc<NetworkSpec> {
    let unknown = Cidr(IpNet::V4(Ipv4Net::default()));
    Arc::new(NetworkSpec {
        name: seen.name.clone(),
        instance: String::new(),
        network: seen.name.clone(),
        cidr: seen.cidr.unwrap_or(unknown),
        gateway: None,
        isolated: false,
        link: false,
    })
}

/// A machine that is not recorded, so that a plan removes it.
pub(super) fn machine_of(seen: &ObservedMachine) -> RecordedMachine {
    let nic = |nic: &platform::ObservedNic| NicSpec {
        network: nic.network.clone().unwrap_or_default(),
        address: nic.known_addresses().first().copied(),
    };
    let spec = MachineSpec {
        name: seen.name.clone(),
        instance: String::new(),
        machine: seen.name.clone(),
        kind: seen.kind,
        template: None,
        role: Role::Service,
        cores: None,
        memory_mb: None,
        disk_gb: None,
        nics: seen.nics.iter().map(nic).collect(),
        gateway: None,
        upstream: None,
        groups: Vec::new(),
        ready: None,
        needs: Vec::new(),
    };
    let stage = if seen.power == Power::On { Stage::Started } else { Stage::Created };
    RecordedMachine { stage, ..RecordedMachine::created(Arc::new(spec)) }
}
