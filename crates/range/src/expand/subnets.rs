//! Free subnets of a pool: the first that fits, next to what is taken.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{document::Cidr, platform_rules::Pool};

/// The subnets of a pool, and what of them is taken.
#[derive(Debug)]
pub(super) struct Subnets<'a> {
    pool: &'a Pool,
    /// First to last address of what is taken, never overlapping, per address family.
    taken: [BTreeMap<u128, u128>; 2],
    /// Where the search for a size continues, by pool and bits: what lies before is taken.
    next: BTreeMap<(usize, u8), u128>,
}

impl<'a> Subnets<'a> {
    pub(super) fn new<'n>(pool: &'a Pool, taken: impl Iterator<Item = &'n IpNet>) -> Self {
        let mut subnets = Self { pool, taken: [BTreeMap::new(), BTreeMap::new()], next: BTreeMap::new() };
        taken.for_each(|net| subnets.take(net));
        subnets
    }

    /// Marks a subnet as taken.
    pub(super) fn take(&mut self, net: &IpNet) {
        let (mut first, mut last) = bounds(net);
        let taken = &mut self.taken[family(net)];
        // What it overlaps becomes one with it.
        while let Some((begin, end)) = taken.range(..=last).next_back().map(|(begin, end)| (*begin, *end)) {
            if end < first {
                break;
            }
            taken.remove(&begin);
            (first, last) = (first.min(begin), last.max(end));
        }
        taken.insert(first, last);
    }

    /// Does a subnet share addresses with what is taken?
    pub(super) fn overlaps(&self, net: &IpNet) -> bool {
        let (first, last) = bounds(net);
        self.taken[family(net)].range(..=last).next_back().is_some_and(|(_, end)| *end >= first)
    }

    /// Takes the first free subnet with so many bits for hosts.
    pub(super) fn first_free(&mut self, bits: u8) -> Option<Cidr> {
        for (place, whole) in self.pool.subnets.iter().enumerate() {
            let (first, last) = bounds(whole);
            let size = 1_u128.checked_shl(u32::from(bits))?;
            let mut begin = *self.next.get(&(place, bits)).unwrap_or(&first);
            while let Some(end) = begin.checked_add(size - 1).filter(|end| *end <= last) {
                match self.taken[family(whole)].range(..=end).next_back() {
                    // The next aligned place after what is in the way.
                    Some((_, blocked)) if *blocked >= begin => begin = (blocked / size + 1) * size,
                    _ => {
                        let net = subnet(whole, begin, bits)?;
                        self.take(&net);
                        self.next.insert((place, bits), end + 1);
                        return Some(Cidr(net));
                    }
                }
            }
            self.next.insert((place, bits), begin);
        }
        None
    }
}

const fn family(net: &IpNet) -> usize {
    match net {
        IpNet::V4(_) => 0,
        IpNet::V6(_) => 1,
    }
}

fn bounds(net: &IpNet) -> (u128, u128) {
    (as_number(net.network()), as_number(net.broadcast()))
}

fn as_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn subnet(whole: &IpNet, first: u128, bits: u8) -> Option<IpNet> {
    match whole {
        IpNet::V4(_) => {
            let address = u32::try_from(first).ok()?.into();
            Ipv4Net::new(address, 32_u8.checked_sub(bits)?).ok().map(IpNet::V4)
        }
        IpNet::V6(_) => Ipv6Net::new(first.into(), 128_u8.checked_sub(bits)?).ok().map(IpNet::V6),
    }
}
