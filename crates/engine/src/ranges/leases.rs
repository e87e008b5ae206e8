//! Leases of a range: between the form in which the crate `range` uses them and the form in which they are stored.

use ipnet::IpNet;
use model::{LeaseKey, LeaseKind, RangeId, RangeLease};
use range::{Leases, Recorded, document::Cidr};
use store::HeldLease;

/// The pool of all subnets of a platform.
const SUBNETS: &str = "subnets";

/// The leases on a platform as an expansion needs them: those of this range, and the subnets of all others.
pub(super) fn for_expansion(range: RangeId, held: &[HeldLease], in_use: &[IpNet]) -> Leases {
    let mut leases = Leases { taken: in_use.to_vec(), ..Leases::default() };
    for HeldLease { range: holder, lease } in held {
        let (key, is_own) = (&lease.key, *holder == range);
        match key.kind {
            LeaseKind::Subnet => {
                let Ok(subnet) = key.value.parse::<IpNet>() else { continue };
                if is_own {
                    leases.subnets.insert(lease.name.clone(), Cidr(subnet));
                } else {
                    leases.taken.push(subnet);
                }
            }
            LeaseKind::Address if is_own => {
                let network = key.pool.split_once('/').map_or("", |(_, network)| network);
                if let Ok(address) = key.value.parse() {
                    let of_network = leases.addresses.entry(network.to_owned()).or_default();
                    of_network.insert(lease.name.clone(), address);
                }
            }
            LeaseKind::Address | LeaseKind::Bridge | LeaseKind::VmId | LeaseKind::Vlan => {}
        }
    }
    leases
}

/// Leases as they are stored.
pub(super) fn to_store(range: RangeId, leases: &Leases) -> Vec<RangeLease> {
    let subnets = leases.subnets.iter().map(|(network, cidr)| RangeLease {
        key: LeaseKey { kind: LeaseKind::Subnet, pool: SUBNETS.to_owned(), value: cidr.0.to_string() },
        name: network.clone(),
        span: Some(span(&cidr.0)),
    });
    let addresses = leases.addresses.iter().flat_map(|(network, machines)| {
        machines.iter().map(move |(machine, address)| RangeLease {
            // Networks of two ranges can have the same subnet.
            key: LeaseKey {
                kind: LeaseKind::Address,
                pool: format!("{range}/{network}"),
                value: address.to_string(),
            },
            name: machine.clone(),
            span: None,
        })
    });
    subnets.chain(addresses).collect()
}

/// The leases that nothing recorded needs any more.
pub(crate) fn unneeded(held: &[RangeLease], recorded: &Recorded) -> Vec<LeaseKey> {
    let is_needed = |lease: &RangeLease| match lease.key.kind {
        LeaseKind::Subnet => recorded
            .networks
            .get(&lease.name)
            .is_some_and(|network| network.cidr.0.to_string() == lease.key.value),
        LeaseKind::Address => recorded.machines.get(&lease.name).is_some_and(|machine| {
            let addresses = machine.spec.nics.iter().filter_map(|nic| nic.address);
            addresses.into_iter().any(|address| address.addr().to_string() == lease.key.value)
        }),
        LeaseKind::Bridge | LeaseKind::VmId | LeaseKind::Vlan => {
            recorded.networks.contains_key(&lease.name) || recorded.machines.contains_key(&lease.name)
        }
    };
    held.iter().filter(|lease| !is_needed(lease)).map(|lease| lease.key.clone()).collect()
}

fn span(subnet: &IpNet) -> (u128, u128) {
    match subnet {
        IpNet::V4(subnet) => {
            (u128::from(u32::from(subnet.network())), u128::from(u32::from(subnet.broadcast())))
        }
        IpNet::V6(subnet) => (u128::from(subnet.network()), u128::from(subnet.broadcast())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn leases_are_read_as_they_are_stored_and_those_of_others_are_taken() {
        let (own, other) = (crate::clock::new_range_id(), crate::clock::new_range_id());
        let subnet = |text: &str| Cidr(text.parse().expect("a subnet"));
        let addresses = BTreeMap::from([("web".to_owned(), "10.64.0.10".parse().expect("an address"))]);
        let leases = Leases {
            subnets: BTreeMap::from([("lan".to_owned(), subnet("10.64.0.0/24"))]),
            addresses: BTreeMap::from([("lan".to_owned(), addresses)]),
            taken: Vec::new(),
        };
        let stored = to_store(own, &leases);
        assert_eq!(stored[0].span, Some((0x0a40_0000, 0x0a40_00ff)));
        let held = |range| stored.iter().map(move |lease| HeldLease { range, lease: lease.clone() });
        assert_eq!(for_expansion(own, &held(own).collect::<Vec<_>>(), &[]), leases);
        let of_other = for_expansion(own, &held(other).collect::<Vec<_>>(), &[]);
        assert_eq!(of_other, Leases { taken: vec![subnet("10.64.0.0/24").0], ..Leases::default() });
        assert_eq!(unneeded(&stored, &Recorded::default()).len(), 2);
    }
}
