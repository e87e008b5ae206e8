//! The networks of one instance with their members: named networks first, then links, each as a segment.
//!
//! All instances are alike, so checks, addresses and routes are worked out once, on this. Names that refer to nothing are left
//! out; the checks report them.

use std::{borrow::Cow, collections::HashMap, net::IpAddr};

use crate::document::{Cidr, Document, names::UPLINK};

/// A network of one instance.
#[derive(Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) cidr: Option<Cidr>,
    pub(crate) isolated: bool,
    /// The link that it is made of, by its place in the document.
    pub(crate) link: Option<usize>,
    /// Its members in the order of the document: machine, and which of its interfaces.
    pub(crate) members: Vec<(u32, u32)>,
}

/// A network interface of a machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaidNic {
    /// The segment; `None` is the uplink.
    pub(crate) segment: Option<u32>,
    /// The fixed address.
    pub(crate) address: Option<IpAddr>,
    /// Its place in `networks` of the machine; `None` for one that a link makes.
    pub(crate) place: Option<usize>,
}

/// The segments and interfaces of one instance.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) document: &'a Document,
    pub(crate) segments: Vec<Segment<'a>>,
    /// The interfaces of each machine: those of links first, then those of `networks`.
    pub(crate) nics: Vec<Vec<LaidNic>>,
    by_name: HashMap<String, u32>,
}

impl<'a> Layout<'a> {
    pub(crate) fn new(document: &'a Document) -> Self {
        let mut segments = Vec::with_capacity(document.networks.len() + document.links.len());
        let mut by_name = HashMap::with_capacity(segments.capacity());
        for (name, network) in &document.networks {
            by_name.insert(name.as_str().to_owned(), number(segments.len()));
            let (name, members) = (Cow::Borrowed(name.as_str()), Vec::new());
            segments.push(Segment {
                name,
                cidr: network.cidr,
                isolated: network.isolated,
                link: None,
                members,
            });
        }
        let mut nics = vec![Vec::new(); document.machines.len()];
        for (place, link) in document.links.iter().enumerate() {
            let segment = number(segments.len());
            let name = link.network_name();
            let mut members = Vec::with_capacity(2);
            for end in &link.between.0 {
                if let Some(machine) = document.machines.get_index_of(end) {
                    members.push((number(machine), number(nics[machine].len())));
                    nics[machine].push(LaidNic { segment: Some(segment), address: None, place: None });
                }
            }
            by_name.entry(name.clone()).or_insert(segment);
            segments.push(Segment {
                name: name.into(),
                cidr: link.cidr,
                isolated: false,
                link: Some(place),
                members,
            });
        }
        for (machine, (nics, described)) in nics.iter_mut().zip(document.machines.values()).enumerate() {
            for (place, nic) in described.networks.iter().enumerate() {
                let segment = by_name.get(nic.name.as_str()).copied();
                if segment.is_none() && nic.name.as_str() != UPLINK {
                    continue;
                }
                if let Some(segment) = segment {
                    segments[segment as usize].members.push((number(machine), number(nics.len())));
                }
                nics.push(LaidNic {
                    segment,
                    address: nic.address.map(|address| address.0),
                    place: Some(place),
                });
            }
        }
        Self { document, segments, nics, by_name }
    }

    /// The segment with this name.
    pub(crate) fn segment(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// The names of all segments.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.segments.iter().map(|segment| segment.name.as_ref())
    }

    /// The interface of a member.
    pub(crate) fn nic(&self, (machine, nic): (u32, u32)) -> LaidNic {
        self.nics[machine as usize][nic as usize]
    }

    /// Has the machine an interface on the uplink?
    pub(crate) fn has_uplink(&self, machine: u32) -> bool {
        self.nics[machine as usize].iter().any(|nic| nic.segment.is_none())
    }

    /// Does the machine forward packets between its networks?
    pub(crate) fn forwards(&self, machine: u32) -> bool {
        self.document.machines[machine as usize].role.forwards()
    }
}

/// A place in a list as it is kept in tables. Documents are limited to far less than 2^32 things.
pub(crate) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
