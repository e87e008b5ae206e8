//! Subnets and fixed addresses of one instance.

use std::{collections::HashMap, net::IpAddr};

use super::scene::Scene;
use crate::{
    Faults,
    document::{Cidr, Name},
    fault::{At, FaultCode},
    layout::Segment,
};

const ROOT: At<'_> = At::Root;

pub(super) fn check(scene: &Scene<'_>, faults: &mut Faults) {
    overlaps(scene, faults);
    for (place, segment) in scene.layout.segments.iter().enumerate() {
        let gateway = scene.routing.gateway[place];
        match segment.cidr {
            None => without_subnet(scene, segment, faults),
            Some(cidr) => in_subnet(scene, segment, cidr, gateway, faults),
        }
    }
}

/// Two networks of one instance share addresses: found by one pass over the subnets in order.
fn overlaps(scene: &Scene<'_>, faults: &mut Faults) {
    let mut nets: Vec<(Cidr, &Segment<'_>)> =
        scene.layout.segments.iter().filter_map(|segment| Some((segment.cidr?, segment))).collect();
    nets.sort_by_key(|(cidr, _)| (cidr.0.network(), cidr.0.prefix_len()));
    let mut widest: Option<(Cidr, &Segment<'_>)> = None;
    for (cidr, segment) in nets {
        match widest {
            Some((wide, other)) if wide.0.contains(&cidr.0) => {
                let message = format!(
                    "the subnet {cidr} of `{}` overlaps with {wide} of `{}`",
                    segment.name, other.name
                );
                add_at(segment, "cidr", FaultCode::Overlap, message, faults);
            }
            _ => widest = Some((cidr, segment)),
        }
    }
}

/// Records a fault of a field of a network or link.
fn add_at(segment: &Segment<'_>, field: &str, code: FaultCode, message: String, faults: &mut Faults) {
    let (networks, links) = (ROOT.field("networks"), ROOT.field("links"));
    match segment.link {
        Some(link) => faults.add(&links.item(link).field(field), code, message),
        None => faults.add(&networks.field(&segment.name).field(field), code, message),
    };
}

/// Calls a function for each member with a fixed address.
fn fixed<'a>(
    scene: &'a Scene<'_>,
    segment: &'a Segment<'_>,
) -> impl Iterator<Item = (u32, &'a Name, usize, IpAddr)> + 'a {
    segment.members.iter().filter_map(|member| {
        let nic = scene.layout.nic(*member);
        let (name, _) = scene.document.machines.get_index(member.0 as usize)?;
        Some((member.0, name, nic.place?, nic.address?))
    })
}

/// Records a fault of the address of an interface.
fn add(name: &Name, place: usize, code: FaultCode, message: String, hint: String, faults: &mut Faults) {
    let (machines, networks) = (ROOT.field("machines"), "networks");
    let machine = machines.field(name.as_str());
    faults.add(&machine.field(networks).item(place).field("address"), code, message).hint(hint);
}

fn without_subnet(scene: &Scene<'_>, segment: &Segment<'_>, faults: &mut Faults) {
    for (_, name, place, address) in fixed(scene, segment) {
        let message =
            format!("the address {address} is fixed, but the network `{}` has no `cidr`", segment.name);
        add(name, place, FaultCode::AddressOutside, message, "give the network a `cidr`".to_owned(), faults);
    }
}

fn in_subnet(
    scene: &Scene<'_>,
    segment: &Segment<'_>,
    cidr: Cidr,
    gateway: Option<u32>,
    faults: &mut Faults,
) {
    if segment.members.len() as u128 > cidr.last_host() {
        let message =
            format!("{cidr} has {} addresses for {} machines", cidr.last_host(), segment.members.len());
        add_at(segment, "cidr", FaultCode::Exhausted, message, faults);
    }
    let of_gateway = fixed(scene, segment).find(|(machine, ..)| Some(*machine) == gateway);
    let gateway_address = of_gateway.map_or_else(|| cidr.host(1), |(.., address)| Some(address));
    let mut seen: HashMap<IpAddr, &Name> = HashMap::new();
    for (machine, name, place, address) in fixed(scene, segment) {
        if cidr.number_of(address).is_none() {
            let last = cidr.host(cidr.last_host()).map_or_else(String::new, |last| last.to_string());
            let first = cidr.host(1).map_or_else(String::new, |first| first.to_string());
            let message = format!("no machine can have the address {address} in `{}` ({cidr})", segment.name);
            add(name, place, FaultCode::AddressOutside, message, format!("use {first} to {last}"), faults);
        } else if let Some(other) = seen.insert(address, name) {
            let message =
                format!("`{name}` and `{other}` have the same address {address} in `{}`", segment.name);
            add(name, place, FaultCode::AddressTaken, message, "change one of them".to_owned(), faults);
        } else if gateway.is_some_and(|gateway| gateway != machine) && gateway_address == Some(address) {
            let gateway = gateway.and_then(|gateway| scene.document.machines.get_index(gateway as usize));
            let gateway = gateway.map_or("", |(name, _)| name.as_str());
            let message =
                format!("{address} is the address of `{gateway}`, the gateway of `{}`", segment.name);
            add(name, place, FaultCode::GatewayClash, message, "change one of them".to_owned(), faults);
        }
    }
}
