//! The networks of a range: bridges in a namespace of their own, the fabric. When its pin goes, all of them go, and this machine's own
//! namespace never sees any.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use ipnet::IpNet;
use range::{
    document::Cidr,
    expand::spec::{MachineSpec, NetworkSpec},
};
use rustix::io::Errno;

use super::{
    home::RangeDir,
    kernel::{Failure, Link, Namespace, Netlink, bridge, delete, pin, rename_alias, up},
    options::UPLINK,
};
use crate::{error::Error, observed::ObservedNetwork, owner::Owner, platform::Change};

/// The fabric of a range.
#[derive(Debug)]
pub(super) struct Fabric {
    owner: Owner,
    socket: Mutex<Netlink>,
    /// The number of the namespace, to notice that another one is pinned there now.
    pub(super) inode: u64,
    /// Addresses on each network, by machine.
    pub(super) members: Mutex<BTreeMap<String, BTreeMap<String, IpAddr>>>,
    /// Addresses that machines do not know as permanent neighbors yet, by machine.
    pub(super) pending: Mutex<HashMap<String, Vec<IpAddr>>>,
    /// Held while a machine is worked on.
    locks: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

impl Fabric {
    /// Opens the fabric of a range; `None` if there is none.
    pub(super) fn open(dir: &RangeDir) -> Result<Option<Self>, Error> {
        let Some(namespace) = Namespace::open(&dir.fabric())? else { return Ok(None) };
        Self::within(dir, move || namespace.enter().map(|()| namespace)).map(Some)
    }

    /// Opens the fabric of a range, or makes it.
    pub(super) fn open_or_make(dir: &RangeDir) -> Result<Self, Error> {
        dir.create()?;
        if let Some(fabric) = Self::open(dir)? {
            return Ok(fabric);
        }
        let path = dir.fabric();
        Self::within(dir, move || {
            let namespace = pin(&path)?;
            // Bridges need no addresses: without IPv6 the kernel makes none, and links come up sooner.
            let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
            Ok(namespace)
        })
    }

    fn within(
        dir: &RangeDir,
        enter: impl FnOnce() -> Result<Namespace, Failure> + Send,
    ) -> Result<Self, Error> {
        let opened = thread::scope(|scope| {
            let opened = scope.spawn(|| {
                let namespace = enter()?;
                Ok::<_, Failure>((Netlink::open()?, namespace.inode()?))
            });
            opened.join().unwrap_or_else(|_| Err(Failure::new("open the fabric", Errno::CANCELED)))
        });
        let (socket, inode) = opened?;
        let fabric = Self {
            owner: dir.owner().clone(),
            socket: Mutex::new(socket),
            inode,
            members: Mutex::default(),
            pending: Mutex::default(),
            locks: Mutex::default(),
        };
        for machine in dir.machines() {
            if let Ok(Some(wanted)) = machine.wanted() {
                fabric.add_member(&wanted.spec);
            }
        }
        Ok(fabric)
    }

    /// The socket of the fabric.
    pub(super) fn socket(&self) -> MutexGuard<'_, Netlink> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock of a machine.
    pub(super) fn lock(&self, machine: &str) -> Arc<Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(machine.to_owned()).or_default())
    }

    /// The group of everything in the fabric: given at birth, and never 0, which is that of all other links.
    pub(super) fn group(&self) -> u32 {
        let [a, b, c, d, ..] = self.owner.fingerprint("group");
        u32::from_be_bytes([a, b, c, d]) | 1
    }

    /// The name of the bridge of a network: 15 bytes are the limit.
    pub(super) fn bridge_name(&self, network: &str) -> String {
        short('b', self.owner.fingerprint(&format!("network {network}")))
    }

    /// The name of the port of a network interface.
    pub(super) fn port_name(&self, machine: &str, nic: usize) -> String {
        short('p', self.owner.fingerprint(&format!("port {machine} {nic}")))
    }

    /// The hardware address of an interface. It follows from its address, so that neighbors are known before they are there.
    pub(super) fn mac(&self, address: Option<IpAddr>, machine: &str, nic: usize) -> [u8; 6] {
        let [range, ..] = self.owner.fingerprint("mac");
        match address {
            Some(IpAddr::V4(address)) => {
                let [a, b, c, d] = address.octets();
                [0x02, range, a, b, c, d]
            }
            other => {
                let text = other.map_or_else(|| format!("{machine} {nic}"), |address| address.to_string());
                let [a, b, c, d, ..] = self.owner.fingerprint(&text);
                [0x06, range, a, b, c, d]
            }
        }
    }

    /// Makes the bridge of a network be there.
    pub(super) fn ensure(&self, network: &NetworkSpec) -> Result<Change, Error> {
        let name = self.bridge_name(&network.name);
        let alias = self.alias(&network.name, Some(network.cidr));
        let mut socket = self.socket();
        let change = match socket.link(&name)? {
            Some(link) if link.group != self.group() => return Err(self.foreign(&link)),
            Some(link) if link.alias == alias && link.is_up => return Ok(Change::Adopted),
            Some(_) => Change::Corrected,
            None => Change::Created,
        };
        let mut requests = Vec::new();
        if change == Change::Created {
            requests.push(bridge(&name, self.group()));
        }
        requests.extend([rename_alias(&name, &alias), up(&name)]);
        socket.run(requests)?;
        Ok(change)
    }

    /// Makes the bridge of the uplink be there; its index.
    pub(super) fn ensure_uplink(&self) -> Result<u32, Error> {
        let name = self.bridge_name(UPLINK);
        let mut socket = self.socket();
        if socket.link(&name)?.is_none() {
            let alias = self.alias(UPLINK, None);
            socket.run(vec![bridge(&name, self.group()), rename_alias(&name, &alias)])?;
        }
        drop(socket);
        self.bridge(UPLINK)
    }

    /// The index of the bridge of a network.
    pub(super) fn bridge(&self, network: &str) -> Result<u32, Error> {
        match self.socket().link(&self.bridge_name(network))? {
            Some(link) if link.group == self.group() => Ok(link.index),
            Some(link) => Err(self.foreign(&link)),
            None => Err(Error::gone(format!(
                "network `{network}` of range `{}` does not exist",
                self.owner.range()
            ))),
        }
    }

    /// Removes the bridge of a network.
    pub(super) fn remove(&self, network: &str) -> Result<(), Error> {
        let name = self.bridge_name(network);
        let mut socket = self.socket();
        let Some(link) = socket.link(&name)? else { return Ok(()) };
        if link.group != self.group() {
            return Err(self.foreign(&link));
        }
        Ok(socket.run(vec![delete(&name)])?)
    }

    /// All links of the fabric that Rangehand made.
    pub(super) fn links(&self) -> Result<Vec<Link>, Error> {
        let links = self.socket().links()?;
        Ok(links.into_iter().filter(|link| link.group == self.group()).collect())
    }

    /// The network of a bridge, as its alias says.
    pub(super) fn network_of(&self, link: &Link) -> Option<ObservedNetwork> {
        let rest = link.alias.strip_prefix(&format!("{}/", self.owner))?;
        let (name, cidr) = rest.split_once(' ').map_or((rest, None), |(name, cidr)| (name, Some(cidr)));
        let cidr = cidr.and_then(|cidr| serde_json::from_value::<Cidr>(cidr.into()).ok());
        Some(ObservedNetwork { name: name.to_owned(), id: format!("{}:{}", self.inode, link.name), cidr })
    }

    /// Records where a machine is; those that are there learn of it, and it learns of them.
    pub(super) fn add_member(&self, spec: &MachineSpec) {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for nic in &spec.nics {
            let Some(address) = nic.address.map(|address| address.addr()) else { continue };
            let on_network = members.entry(nic.network.clone()).or_default();
            if on_network.insert(spec.name.clone(), address) == Some(address) {
                continue;
            }
            for other in on_network.keys().filter(|other| **other != spec.name) {
                pending.entry(other.clone()).or_default().push(address);
            }
        }
    }

    pub(super) fn remove_member(&self, machine: &str) {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        for on_network in members.values_mut() {
            on_network.remove(machine);
        }
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(machine);
    }

    /// Is a machine known to be on a network?
    pub(super) fn has_members(&self) -> bool {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.values().any(|on_network| !on_network.is_empty())
    }

    /// Whom an interface has as neighbors.
    pub(super) fn neighbours(&self, network: &str, own: Option<IpNet>) -> Vec<IpAddr> {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let all = members.get(network).into_iter().flat_map(BTreeMap::values).copied();
        all.filter(|address| Some(*address) != own.map(|own| own.addr())).collect()
    }

    /// The addresses that a machine is to learn now.
    pub(super) fn take_pending(&self, machine: &str) -> Vec<IpAddr> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.remove(machine).unwrap_or_default()
    }

    /// The readable claim on a link.
    pub(super) fn alias(&self, name: &str, cidr: Option<Cidr>) -> String {
        let cidr = cidr.map(|cidr| format!(" {cidr}")).unwrap_or_default();
        format!("{}/{name}{cidr}", self.owner)
    }

    fn foreign(&self, link: &Link) -> Error {
        let what = format!(
            "the interface `{}` in the fabric of range `{}` was not made by Rangehand",
            link.name,
            self.owner.range()
        );
        Error::refused_with(what, "rename or remove it")
    }
}

/// A name of 13 bytes.
fn short(kind: char, fingerprint: [u8; 8]) -> String {
    let [a, b, c, d, e, f, ..] = fingerprint;
    format!("{kind}{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}")
}
