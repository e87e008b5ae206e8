//! Packets that prove who reaches whom: what each machine of an instance sends, and what must come of it.
//!
//! Of each pair, one packet that must arrive and one that must not are sent, as far as the rules have both. A large range is
//! sampled: at most [`MAX_SENDERS`] machines, and at most [`MAX_PAIRS`] pairs, both spread evenly.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use serde::Serialize;

use crate::{
    document::{Allow, names::UPLINK},
    expand::spec::MachineSpec,
    reachability::{Reachability, Verdict},
};

/// The most machines that send.
pub const MAX_SENDERS: usize = 200;
/// The most pairs of machines.
pub const MAX_PAIRS: usize = 10_000;

/// The ports that are tried where any will do: an SSH server answers for certain, and so does a closed port.
const PORTS: &[u16] = &[22, 80, 443, 9, 1];

/// A kind of packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Packet {
    /// An echo request.
    Icmp,
    /// The begin of a connection. A refused one arrived.
    Tcp(u16),
    /// A datagram. Only a closed port shows that it arrived.
    Udp(u16),
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Icmp => f.write_str("icmp"),
            Self::Tcp(port) => write!(f, "tcp/{port}"),
            Self::Udp(port) => write!(f, "udp/{port}"),
        }
    }
}

impl Serialize for Packet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A packet that a machine sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The machine that it is for, by its concrete name, or `uplink`.
    pub to: String,
    /// The address.
    pub address: IpAddr,
    /// The packet.
    pub packet: Packet,
    /// Must it arrive?
    pub passes: bool,
}

/// What the machines of an instance send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probes {
    /// The packets of each machine, by its concrete name.
    pub by_machine: BTreeMap<String, Vec<Probe>>,
    /// Pairs of machines that packets are sent between.
    pub pairs: usize,
    /// All pairs that could be tested; more than `pairs` if the range is sampled.
    pub all_pairs: usize,
}

/// The packets of one instance; `outside` is an address in the outside that answers, if one is known.
#[must_use]
pub fn probes(reachability: &Reachability<'_>, machines: &[&MachineSpec], outside: Option<IpAddr>) -> Probes {
    let mut probes = Probes::default();
    let targets: Vec<&MachineSpec> =
        machines.iter().filter(|target| address_of(target).is_some()).copied().collect();
    let senders = spread(machines.len(), MAX_SENDERS);
    let per_sender = (MAX_PAIRS / senders.len().max(1)).max(1);
    let others = |from: &MachineSpec| targets.iter().filter(|to| to.name != from.name).count();
    probes.all_pairs = machines.iter().map(|from| others(from)).sum();
    for (number, from) in senders.into_iter().map(|at| machines[at]).enumerate() {
        let mut list = Vec::new();
        let mut others: Vec<&MachineSpec> =
            targets.iter().filter(|to| to.name != from.name).copied().collect();
        if others.len() > per_sender {
            // Each sender begins elsewhere, so that together they send to as many machines as possible.
            let shift = number % others.len();
            others.rotate_left(shift);
        }
        let chosen = spread(others.len(), per_sender);
        for to in chosen.into_iter().map(|at| others[at]) {
            let Some(verdict) = reachability.between(&from.machine, &to.machine) else { continue };
            let Some(address) = target_address(to, &verdict) else { continue };
            probes.pairs += 1;
            add(&mut list, &to.name, address, &verdict);
        }
        let outside = outside.filter(|address| speaks(from, *address));
        if let (Some(address), Some(verdict)) = (outside, reachability.between(&from.machine, UPLINK)) {
            add(&mut list, UPLINK, address, &verdict);
        }
        if !list.is_empty() {
            probes.by_machine.insert(from.name.clone(), list);
        }
    }
    probes
}

/// Places of at most `most` of `count` things, spread evenly.
fn spread(count: usize, most: usize) -> Vec<usize> {
    let taken = count.min(most);
    (0..taken).map(|at| at * count / taken).collect()
}

/// The packets of a pair.
fn add(list: &mut Vec<Probe>, to: &str, address: IpAddr, verdict: &Verdict) {
    let mut send = |packet, passes| list.push(Probe { to: to.to_owned(), address, packet, passes });
    let allow = match verdict {
        Verdict::Direct { .. } => vec![Allow::Any],
        Verdict::Allowed { allow, .. } => allow.clone(),
        Verdict::Refused => Vec::new(),
    };
    if allow.contains(&Allow::Any) {
        send(Packet::Icmp, true);
        // Which ports of a host outside are open, or refuse connections, is not known.
        if to != UPLINK {
            send(Packet::Tcp(PORTS[0]), true);
        }
        return;
    }
    send(Packet::Icmp, allow.contains(&Allow::Icmp));
    let tcp: Vec<(u16, u16)> = allow
        .iter()
        .filter_map(|allow| match allow {
            Allow::Tcp(first, last) => Some((*first, *last)),
            Allow::Any | Allow::Icmp | Allow::Udp(..) => None,
        })
        .collect();
    let udp: Vec<(u16, u16)> = allow
        .iter()
        .filter_map(|allow| match allow {
            Allow::Udp(first, last) => Some((*first, *last)),
            Allow::Any | Allow::Icmp | Allow::Tcp(..) => None,
        })
        .collect();
    let is_in =
        |ports: &[(u16, u16)], port: u16| ports.iter().any(|(first, last)| (*first..=*last).contains(&port));
    let outside_of = |ports: &[(u16, u16)]| PORTS.iter().copied().find(|port| !is_in(ports, *port));
    if let Some((first, _)) = tcp.first() {
        send(Packet::Tcp(*first), true);
    }
    if let Some(port) = outside_of(&tcp) {
        send(Packet::Tcp(port), false);
    }
    if let Some((first, _)) = udp.first() {
        send(Packet::Udp(*first), true);
        if let Some(port) = outside_of(&udp) {
            send(Packet::Udp(port), false);
        }
    }
}

/// The address at which a machine is tested: on the network of the verdict, else the one that it answers from.
fn target_address(to: &MachineSpec, verdict: &Verdict) -> Option<IpAddr> {
    let network = match verdict {
        Verdict::Direct { network } | Verdict::Allowed { network, .. } => network,
        Verdict::Refused => return address_of(to),
    };
    let concrete = crate::expand::spec::concrete(&to.instance, network);
    let nic = to.nics.iter().find(|nic| nic.network == concrete);
    nic.and_then(|nic| nic.address).map(|address| address.addr())
}

/// Has a machine an address of the same version? Addresses on the uplink come from the platform.
fn speaks(machine: &MachineSpec, address: IpAddr) -> bool {
    machine.nics.iter().any(|nic| match nic.address {
        Some(own) => own.addr().is_ipv4() == address.is_ipv4(),
        None => nic.network == UPLINK,
    })
}

/// The address from which a machine answers others than its neighbors.
fn address_of(machine: &MachineSpec) -> Option<IpAddr> {
    let addresses = || machine.nics.iter().filter_map(|nic| nic.address);
    let way_out = machine.gateway.and_then(|gateway| addresses().find(|own| own.contains(&gateway)));
    way_out.or_else(|| addresses().next()).map(|address| address.addr())
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// Something answered.
    Arrived,
    /// Nothing answered in time.
    NoAnswer,
    /// It cannot be said: no answer to UDP, or the machine cannot send such packets.
    Unknown,
}

impl Arrival {
    /// The letter in results.
    #[must_use]
    pub const fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'y' => Some(Self::Arrived),
            'n' => Some(Self::NoAnswer),
            'u' => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// A packet that arrived and must not, or the other way around.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// The machine that sent it.
    pub from: String,
    /// The machine that it was for, or `uplink`; empty if the machine sent nothing.
    pub to: String,
    /// The packet; `None` if the machine sent nothing.
    pub packet: Option<Packet>,
    /// Must it arrive?
    pub expected: bool,
    /// What became of it.
    pub observed: Arrival,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, .. } = self;
        let Some(packet) = self.packet else { return write!(f, "`{from}` sent no packets") };
        if self.expected {
            write!(f, "{packet} from `{from}` to `{to}` must pass, and did not")
        } else {
            write!(f, "{packet} from `{from}` to `{to}` must be refused, and passed")
        }
    }
}

impl Probes {
    /// The packets of each machine as a text, for the role `range_verify`.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<&str, String> {
        let text = |probes: &Vec<Probe>| {
            let shown: Vec<String> =
                probes.iter().map(|probe| format!("{} {}", probe.packet, probe.address)).collect();
            shown.join(";")
        };
        self.by_machine.iter().map(|(machine, probes)| (machine.as_str(), text(probes))).collect()
    }

    /// How many packets there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_machine.values().map(Vec::len).sum()
    }

    /// How many machines send packets to the outside.
    #[must_use]
    pub fn outward(&self) -> usize {
        self.by_machine.values().filter(|probes| probes.iter().any(|probe| probe.to == UPLINK)).count()
    }

    /// Compares results, a letter for each packet, with what must come of them.
    #[must_use]
    pub fn compare(&self, results: &BTreeMap<String, String>) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        for (from, probes) in &self.by_machine {
            let letters: Option<Vec<Arrival>> =
                results.get(from).and_then(|letters| letters.chars().map(Arrival::from_letter).collect());
            let Some(letters) = letters.filter(|letters| letters.len() == probes.len()) else {
                mismatches.push(Mismatch {
                    from: from.clone(),
                    to: String::new(),
                    packet: None,
                    expected: true,
                    observed: Arrival::Unknown,
                });
                continue;
            };
            for (probe, observed) in probes.iter().zip(letters) {
                let is_right = match observed {
                    Arrival::Unknown => true,
                    Arrival::Arrived => probe.passes,
                    Arrival::NoAnswer => !probe.passes,
                };
                if !is_right {
                    mismatches.push(Mismatch {
                        from: from.clone(),
                        to: probe.to.clone(),
                        packet: Some(probe.packet),
                        expected: probe.passes,
                        observed,
                    });
                }
            }
        }
        mismatches
    }
}
