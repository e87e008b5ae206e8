//! A machine's namespace and network interfaces: made, compared with what is wanted, corrected, removed.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use range::document::Cidr;
use rustix::io::Errno;

use super::{
    fabric::Fabric,
    home::{MachineDir, RangeDir},
    kernel::{
        Failure, Link, Namespace, Netlink, Veth, address, delete, neighbour, pin, route, unpin, up, veth,
    },
    options::UPLINK,
    uplink,
};
use crate::{error::Error, platform::Change, wanted::MachineWanted};

/// The most permanent neighbors of an interface.
const MOST_NEIGHBOURS: usize = 1_024;

/// An interface as it is to be.
#[derive(Debug)]
struct Nic<'a> {
    network: &'a str,
    name: String,
    port: String,
    bridge: u32,
    mac: [u8; 6],
    address: Option<IpNet>,
}

/// Makes the machine be there as wanted. The calling thread ends in its namespace.
///
/// `uplink` is its address there, and the gateway.
pub(super) fn ensure(
    fabric: &Fabric,
    dir: &MachineDir,
    wanted: &MachineWanted,
    range: &RangeDir,
) -> Result<Change, Error> {
    let before = dir.wanted()?;
    if let Some(before) = &before
        && (before.spec.kind != wanted.spec.kind || before.spec.template != wanted.spec.template)
    {
        let what = format!("machine `{}` was made of another kind or template", dir.name());
        return Err(Error::refused_with(what, "remove it; then it is created again"));
    }
    if before.as_ref() != Some(wanted) {
        dir.keep(wanted)?;
        fabric.remove_member(dir.name());
        fabric.add_member(&wanted.spec);
    }
    let has_uplink = wanted.spec.nics.iter().any(|nic| nic.network == UPLINK);
    let uplink = if has_uplink { uplink::address_of(range, dir)? } else { None };
    let gateway = wanted.spec.gateway.or(uplink.map(|(_, gateway)| gateway.addr()));
    let nics = nics(fabric, wanted, uplink.map(|(own, _)| own))?;
    let there = Namespace::open(&dir.net())?;
    let is_new = there.is_none();
    let namespace = match there {
        Some(namespace) => namespace.enter().map(|()| namespace)?,
        None => pin(&dir.net())?,
    };
    let mut inside = Netlink::open()?;
    let mut is_changed = before.as_ref().is_some_and(|before| before != wanted);
    if is_new {
        prepare(&nics);
        make(fabric, &namespace, &nics.iter().collect::<Vec<_>>())?;
        settle(fabric, &mut inside, (wanted, gateway), &nics.iter().collect::<Vec<_>>())?;
    } else {
        let (wrong, extra) = compare(fabric, &mut inside, &nics)?;
        is_changed |= !wrong.is_empty() || !extra.is_empty();
        let mut removed: Vec<_> = wrong.iter().map(|nic| delete(&nic.port)).collect();
        fabric.socket().run(std::mem::take(&mut removed))?;
        removed.extend(wrong.iter().map(|nic| delete(&nic.name)));
        removed.extend(extra.iter().map(|name| delete(name)));
        inside.run(removed)?;
        make(fabric, &namespace, &wrong)?;
        is_changed |= settle(fabric, &mut inside, (wanted, gateway), &wrong)?;
    }
    Ok(match (before, is_new || is_changed) {
        (None, _) => Change::Created,
        (Some(_), true) => Change::Corrected,
        (Some(_), false) => Change::Adopted,
    })
}

/// Removes the namespace and everything in it. Its processes have ended.
pub(super) fn remove(fabric: Option<&Fabric>, dir: &MachineDir) -> Result<(), Error> {
    if let Some(fabric) = fabric {
        fabric.remove_member(dir.name());
    }
    // The kernel removes both ends of each veth pair with the namespace, when nothing uses it any more.
    unpin(&dir.net())?;
    dir.remove()
}

fn nics<'a>(
    fabric: &Fabric,
    wanted: &'a MachineWanted,
    uplink: Option<IpNet>,
) -> Result<Vec<Nic<'a>>, Error> {
    let machine = &wanted.spec.name;
    let nics = wanted.spec.nics.iter().enumerate().map(|(at, nic)| {
        let address = if nic.network == UPLINK { uplink } else { nic.address };
        Ok(Nic {
            network: &nic.network,
            name: format!("eth{at}"),
            port: fabric.port_name(machine, at),
            bridge: fabric.bridge(&nic.network)?,
            mac: fabric.mac(address.map(|address| address.addr()), machine, at),
            address,
        })
    });
    nics.collect()
}

/// Settings of a new namespace, before it has interfaces.
fn prepare(nics: &[Nic<'_>]) {
    let has_ipv6 = nics.iter().any(|nic| nic.address.is_some_and(|address| address.addr().is_ipv6()));
    if !has_ipv6 {
        // Links come up sooner without. A kernel that has no IPv6 has no such file.
        let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    }
}

/// Which interfaces are not as wanted, and which are not wanted.
fn compare<'a>(
    fabric: &Fabric,
    inside: &mut Netlink,
    nics: &'a [Nic<'a>],
) -> Result<(Vec<&'a Nic<'a>>, Vec<String>), Error> {
    let links = inside.links()?;
    let addresses = inside.addresses()?;
    let mut wrong = Vec::new();
    for nic in nics {
        let link = links.iter().find(|link| link.name == nic.name);
        let port = fabric.socket().link(&nic.port)?;
        if !is_right(nic, link, port.as_ref(), &addresses) {
            wrong.push(nic);
        }
    }
    let is_extra =
        |link: &&Link| link.group == fabric.group() && !nics.iter().any(|nic| nic.name == link.name);
    Ok((wrong, links.iter().filter(is_extra).map(|link| link.name.clone()).collect()))
}

fn is_right(nic: &Nic<'_>, link: Option<&Link>, port: Option<&Link>, addresses: &[(u32, IpNet)]) -> bool {
    let (Some(link), Some(port)) = (link, port) else { return false };
    let found: BTreeSet<IpNet> =
        addresses.iter().filter(|(index, _)| *index == link.index).map(|(_, address)| *address).collect();
    link.is_up
        && port.is_up
        && link.mac == nic.mac
        && port.bridge == Some(nic.bridge)
        && found == nic.address.into_iter().collect()
}

/// Makes veth pairs between the fabric and the machine.
fn make(fabric: &Fabric, namespace: &Namespace, nics: &[&Nic<'_>]) -> Result<(), Error> {
    let requests = || {
        let requests = nics.iter().map(|nic| {
            veth(&Veth {
                name: &nic.port,
                group: fabric.group(),
                bridge: Some(nic.bridge),
                peer: &nic.name,
                peer_namespace: namespace.fd(),
                peer_mac: nic.mac,
            })
        });
        requests.collect()
    };
    let mut socket = fabric.socket();
    match socket.run(requests()) {
        // Ports of a machine that was removed just now, with the kernel still at it.
        Err(failure) if failure.is(Errno::EXIST) => {
            socket.run(nics.iter().map(|nic| delete(&nic.port)).collect())?;
            Ok(socket.run(requests())?)
        }
        result => Ok(result?),
    }
}

/// Sets addresses and neighbors of interfaces that were just made, and the default route. Did the route change?
fn settle(
    fabric: &Fabric,
    inside: &mut Netlink,
    (wanted, gateway): (&MachineWanted, Option<IpAddr>),
    nics: &[&Nic<'_>],
) -> Result<bool, Error> {
    let mut requests = vec![up("lo")];
    for nic in nics {
        let Some(link) = inside.link(&nic.name)? else {
            return Err(Error::retry(format!("the interface `{}` disappeared", nic.name)));
        };
        requests.extend(nic.address.map(|own| address(link.index, own)));
        requests.push(up(&nic.name));
        let neighbours = fabric.neighbours(nic.network, nic.address).into_iter().take(MOST_NEIGHBOURS);
        requests.extend(neighbours.map(|other| neighbour(link.index, other, fabric.mac(Some(other), "", 0))));
    }
    let before: Vec<IpAddr> = if nics.len() == wanted.spec.nics.len() {
        Vec::new()
    } else {
        let routes = inside.own_routes()?;
        routes.into_iter().filter(|(to, _)| to.is_none()).map(|(_, via)| via).collect()
    };
    let is_same = before.iter().eq(&gateway);
    if !is_same {
        requests.extend(gateway.map(|via| route(None, via)));
    }
    inside.run(requests)?;
    for via in before.iter().filter(|via| Some(**via) != gateway) {
        inside.remove_route(None, *via)?;
    }
    Ok(!is_same)
}

/// Adds neighbors that were created after a machine to it. The calling thread ends in its namespace.
pub(super) fn learn(fabric: &Fabric, dir: &MachineDir, wanted: &MachineWanted) -> Result<(), Error> {
    let pending = fabric.take_pending(dir.name());
    if pending.is_empty() {
        return Ok(());
    }
    let Some(namespace) = Namespace::open(&dir.net())? else { return Ok(()) };
    namespace.enter()?;
    let mut inside = Netlink::open()?;
    let mut requests = Vec::new();
    for (at, nic) in wanted.spec.nics.iter().enumerate() {
        let Some(subnet) = nic.address.map(|own| own.trunc()) else { continue };
        let Some(link) = inside.link(&format!("eth{at}"))? else { continue };
        let near = pending.iter().filter(|other| Cidr(subnet).0.contains(*other)).take(MOST_NEIGHBOURS);
        requests.extend(near.map(|other| neighbour(link.index, *other, fabric.mac(Some(*other), "", 0))));
    }
    Ok(inside.run(requests)?)
}

/// Enters the namespace of a machine with the calling thread.
pub(super) fn enter(dir: &MachineDir) -> Result<(), Error> {
    let gone = || Error::gone(format!("machine `{}` does not exist", dir.name()));
    let namespace = Namespace::open(&dir.net())?.ok_or_else(gone)?;
    namespace.enter().map_err(|failure: Failure| failure.into())
}
