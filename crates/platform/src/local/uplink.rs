//! The way to the outside: a bridge in the fabric, a veth pair from there to the namespace of this machine, and address translation.
//!
//! It is the only thing of a range outside of the fabric: one interface, which disappears with the fabric, and one table of nftables,
//! both with a name that follows from the mark of the range. Without addresses in the options the bridge leads nowhere.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::IpAddr,
    os::fd::AsFd,
};

use ipnet::{IpNet, Ipv4Net};
use serde_json::json;

use super::{
    fabric::Fabric,
    home::{MachineDir, RangeDir},
    kernel::{Failure, Netlink, Veth, address, delete, flush, listing, nft, up, veth},
    options::UPLINK,
};
use crate::error::Error;

const RECORD: &str = "uplink";
const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
/// Bits of a host in the subnet of a range.
const PREFIX: u8 = 24;
/// The first address of a machine; below are the gateway and others to come.
const FIRST: u32 = 10;

/// Makes the uplink of a range be there. The calling thread is in the namespace of this machine.
pub(super) fn ensure(dir: &RangeDir, fabric: &Fabric, pool: Option<Ipv4Net>) -> Result<(), Error> {
    let bridge = fabric.ensure_uplink()?;
    let Some(pool) = pool else { return Ok(()) };
    let mut outside = Netlink::open()?;
    let subnet = subnet(dir, &mut outside, pool)?;
    let gateway = IpNet::V4(Ipv4Net::new_assert(host(subnet, 1), PREFIX));
    let (name, port) = (interface(dir), fabric.port_name(UPLINK, 0));
    let here =
        File::open("/proc/thread-self/ns/net").map_err(|error| Failure::new("open this namespace", error))?;
    match outside.link(&name)? {
        Some(link) if link.group != fabric.group() => {
            return Err(Error::refused(format!("the interface `{name}` was not made by Rangehand")));
        }
        Some(_) => {}
        None => {
            let mut socket = fabric.socket();
            socket.run(vec![delete(&port)])?;
            socket.run(vec![veth(&Veth {
                name: &port,
                group: fabric.group(),
                bridge: Some(bridge),
                peer: &name,
                peer_namespace: here.as_fd(),
                peer_mac: fabric.mac(Some(gateway.addr()), UPLINK, 0),
            })])?;
        }
    }
    let link =
        outside.link(&name)?.ok_or_else(|| Error::retry(format!("the interface `{name}` disappeared")))?;
    outside.run(vec![address(link.index, gateway), up(&name)])?;
    translate(dir, &name, subnet)
}

/// The address of a machine on the uplink, and the gateway there; `None` where the uplink leads nowhere.
pub(super) fn address_of(dir: &RangeDir, machine: &MachineDir) -> Result<Option<(IpNet, IpNet)>, Error> {
    let Some(subnet) = recorded(dir) else { return Ok(None) };
    let own: Option<Ipv4Net> = machine.read(RECORD);
    let own = match own.filter(|own| subnet.contains(&own.addr())) {
        Some(own) => own,
        None => {
            let taken: BTreeSet<Ipv4Net> =
                dir.machines().iter().filter_map(|other| other.read(RECORD)).collect();
            let all = (FIRST..255).map(|number| Ipv4Net::new_assert(host(subnet, number), PREFIX));
            let free = all.into_iter().find(|address| !taken.contains(address));
            let own = free.ok_or_else(|| Error::refused("the uplink has no free address"))?;
            machine.write(RECORD, &own)?;
            own
        }
    };
    Ok(Some((IpNet::V4(own), IpNet::V4(Ipv4Net::new_assert(host(subnet, 1), PREFIX)))))
}

/// The gateway of the uplink, which is this machine; `None` where the uplink leads nowhere.
pub(super) fn gateway(dir: &RangeDir) -> Option<IpAddr> {
    recorded(dir).map(|subnet| host(subnet, 1).into())
}

/// Removes what is outside of the fabric. The calling thread is in the namespace of this machine.
pub(super) fn remove(dir: &RangeDir, fabric: &Fabric) -> Result<(), Error> {
    if recorded(dir).is_none() {
        return Ok(());
    }
    let mut outside = Netlink::open()?;
    let name = interface(dir);
    if outside.link(&name)?.is_some_and(|link| link.group == fabric.group()) {
        outside.run(vec![delete(&name)])?;
    }
    Ok(flush(&table(dir))?)
}

fn recorded(dir: &RangeDir) -> Option<Ipv4Net> {
    fs::read_to_string(dir.file(RECORD)).ok()?.trim().parse().ok()
}

/// The subnet of the range: one that no other range and no route of this machine has.
fn subnet(dir: &RangeDir, outside: &mut Netlink, pool: Ipv4Net) -> Result<Ipv4Net, Error> {
    if let Some(subnet) = recorded(dir) {
        return Ok(subnet);
    }
    let mut taken: Vec<IpNet> =
        outside.addresses()?.into_iter().map(|(_, address)| address.trunc()).collect();
    taken.extend(dir.others().filter_map(|other| recorded(&other)).map(IpNet::V4));
    let all = pool
        .subnets(PREFIX)
        .map_err(|_| Error::refused(format!("the uplink {pool} is smaller than a /{PREFIX}")))?;
    let is_free = |subnet: &Ipv4Net| {
        let subnet = IpNet::V4(*subnet);
        !taken.iter().any(|other| other.contains(&subnet) || subnet.contains(other))
    };
    let free = all
        .into_iter()
        .find(is_free)
        .ok_or_else(|| Error::refused(format!("the uplink {pool} has no free subnet")))?;
    let failed = |error| Failure::new("record the subnet of the uplink", error);
    fs::write(dir.file(RECORD), free.to_string()).map_err(failed)?;
    Ok(free)
}

/// What leaves gets an address of this machine; ranges do not reach each other, and connections from outside are refused.
fn translate(dir: &RangeDir, interface: &str, subnet: Ipv4Net) -> Result<(), Error> {
    let name = table(dir);
    let _ = fs::write(FORWARD, "1");
    if listing(&name)?.is_some() {
        return Ok(());
    }
    let table = json!({ "family": "inet", "name": name });
    let chain = |chain: &str, kind: &str, hook: &str, priority: i32| {
        json!({ "add": { "chain": { "family": "inet", "table": name, "name": chain, "type": kind, "hook": hook,
            "prio": priority, "policy": "accept" } } })
    };
    let rule = |chain: &str, expressions: serde_json::Value| json!({ "add": { "rule": { "family": "inet", "table": name, "chain": chain, "expr": expressions } } });
    let is = |key: &str, value: &str| json!({ "match": { "op": "==", "left": { "meta": { "key": key } }, "right": value } });
    let new = json!({ "match": { "op": "in", "left": { "ct": { "key": "state" } }, "right": ["new"] } });
    let from = json!({ "match": { "op": "==", "left": { "payload": { "protocol": "ip", "field": "saddr" } },
        "right": { "prefix": { "addr": subnet.network().to_string(), "len": subnet.prefix_len() } } } });
    let elsewhere =
        json!({ "match": { "op": "!=", "left": { "meta": { "key": "oifname" } }, "right": interface } });
    Ok(nft(&[
        json!({ "add": { "table": table } }),
        chain("forward", "filter", "forward", 0),
        rule("forward", json!([is("oifname", interface), new, { "drop": null }])),
        chain("postrouting", "nat", "postrouting", 100),
        rule("postrouting", json!([from, elsewhere, { "masquerade": null }])),
    ])?)
}

fn host(subnet: Ipv4Net, number: u32) -> std::net::Ipv4Addr {
    (u32::from(subnet.network()) + number).into()
}

fn interface(dir: &RangeDir) -> String {
    format!("rh{}", short(dir))
}

fn table(dir: &RangeDir) -> String {
    format!("rangehand_{}", short(dir))
}

fn short(dir: &RangeDir) -> String {
    let [a, b, c, d, e, f, ..] = dir.owner().fingerprint("uplink");
    format!("{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}")
}
