//! One machine: its kind and its network interfaces, as recorded and as observed.

use ipnet::IpNet;
use platform::ObservedMachine;
use range::expand::spec::{MachineSpec, NicSpec};

use super::difference::{DriftKind, text};

/// Stands for the network of an interface that is attached to none.
const DETACHED: &str = "none";

const RESTART: &str = "the machine is stopped, its network interfaces are corrected, and it is started";

/// A machine that is recorded, and exists.
pub(super) struct Seen<'a> {
    pub(super) spec: &'a MachineSpec,
    pub(super) seen: &'a ObservedMachine,
}

impl Seen<'_> {
    /// Reports what differs; returns the specification that the machine has now, if it is another one.
    pub(super) fn changed_spec(
        &self,
        differs: &mut impl FnMut(DriftKind, String, String, &str),
    ) -> Option<MachineSpec> {
        let mut spec = self.spec.clone();
        if self.seen.kind != self.spec.kind {
            let (from, to) = (self.spec.kind.to_string(), self.seen.kind.to_string());
            differs(DriftKind::MachineKind, from, to, "the machine is replaced");
            spec.kind = self.seen.kind;
        }
        for (at, recorded) in self.spec.nics.iter().enumerate() {
            let seen = self.seen.nics.get(at);
            let network = seen.and_then(|nic| nic.network.clone());
            if network.as_ref() != Some(&recorded.network) {
                let kind = if network.is_some() { DriftKind::NicMoved } else { DriftKind::NicDetached };
                let observed = network.unwrap_or_else(|| text(DETACHED));
                differs(
                    kind,
                    format!("eth{at}: {}", recorded.network),
                    format!("eth{at}: {observed}"),
                    RESTART,
                );
                spec.nics[at].network = observed;
            }
            if let Some(found) = seen.and_then(|nic| nic.addresses.as_deref())
                && let Some(address) = other_address(recorded, found)
            {
                let expected = recorded.address.map_or_else(|| text(DETACHED), |own| own.to_string());
                differs(
                    DriftKind::Address,
                    format!("eth{at}: {expected}"),
                    format!("eth{at}: {}", shown(found)),
                    RESTART,
                );
                spec.nics[at].address = address;
            }
        }
        for (at, nic) in self.seen.nics.iter().enumerate().skip(self.spec.nics.len()) {
            let network = nic.network.clone().unwrap_or_else(|| text(DETACHED));
            differs(DriftKind::NicUnknown, text("nothing"), format!("eth{at}: {network}"), RESTART);
            spec.nics.push(NicSpec { network, address: nic.known_addresses().first().copied() });
        }
        (spec != *self.spec).then_some(spec)
    }
}

/// What the interface has instead of its recorded address, if that is not its only one. The platform assigns that of the uplink.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it differs, the inner one what the interface has"
)]
fn other_address(recorded: &NicSpec, found: &[IpNet]) -> Option<Option<IpNet>> {
    let own = recorded.address?;
    let others: Vec<_> = found.iter().filter(|net| **net != own && !is_link_local(net)).copied().collect();
    match others.first() {
        Some(other) => Some(Some(*other)),
        None if found.contains(&own) => None,
        None => Some(None),
    }
}

/// Every interface has such an address in IPv6.
fn is_link_local(net: &IpNet) -> bool {
    match net {
        IpNet::V4(_) => false,
        IpNet::V6(net) => net.addr().is_unicast_link_local(),
    }
}

fn shown(found: &[IpNet]) -> String {
    let addresses: Vec<String> =
        found.iter().filter(|net| !is_link_local(net)).map(ToString::to_string).collect();
    if addresses.is_empty() { text(DETACHED) } else { addresses.join(", ") }
}
