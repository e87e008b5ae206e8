//! Addresses of machines in a network: fixed ones first, then those that are leased already, then from `.10` on.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{
    document::Cidr,
    layout::{Layout, Segment},
};

/// The address of each member of a segment in one instance, in the order of its members; `None` where there is no room.
///
/// The gateway has `.1` unless it has a fixed address. A lease is kept where it still fits; addresses that are leased to
/// other machines, such as ones that will be removed, are used last.
pub(super) fn assign(
    layout: &Layout<'_>,
    segment: &Segment<'_>,
    cidr: Cidr,
    gateway: Option<u32>,
    leases: Option<&BTreeMap<String, IpAddr>>,
    name_of: impl Fn(u32) -> String,
) -> Vec<Option<IpAddr>> {
    let mut numbers: Vec<Option<u128>> =
        segment.members.iter().map(|member| cidr.number_of(layout.nic(*member).address?)).collect();
    let mut used: BTreeSet<u128> = numbers.iter().flatten().copied().collect();
    let gateway =
        gateway.and_then(|gateway| segment.members.iter().position(|(machine, _)| *machine == gateway));
    if let Some(gateway) = gateway
        && numbers[gateway].is_none()
        && used.insert(1)
    {
        numbers[gateway] = Some(1);
    }
    if let Some(leases) = leases {
        for (number, (machine, _)) in
            numbers.iter_mut().zip(&segment.members).filter(|(number, _)| number.is_none())
        {
            let leased = leases.get(&name_of(*machine)).and_then(|address| cidr.number_of(*address));
            *number = leased.filter(|leased| used.insert(*leased));
        }
    }
    let others: BTreeSet<u128> = leases
        .into_iter()
        .flat_map(BTreeMap::values)
        .filter_map(|address| cidr.number_of(*address))
        .filter(|number| !used.contains(number))
        .collect();
    let is_missing = |numbers: &[Option<u128>]| numbers.iter().any(Option::is_none);
    let first = cidr.first_machine();
    let mut candidates = (first..=cidr.last_host()).chain(1..first).filter(|number| !others.contains(number));
    if is_missing(&numbers) {
        fill(&mut numbers, &mut used, &mut candidates);
    }
    if is_missing(&numbers) {
        fill(&mut numbers, &mut used, &mut others.iter().copied());
    }
    numbers.into_iter().map(|number| number.and_then(|number| cidr.host(number))).collect()
}

fn fill(
    numbers: &mut [Option<u128>],
    used: &mut BTreeSet<u128>,
    candidates: &mut impl Iterator<Item = u128>,
) {
    for number in numbers.iter_mut().filter(|number| number.is_none()) {
        *number = candidates.by_ref().find(|candidate| used.insert(*candidate));
    }
}
