//! Addresses, routes and neighbors of interfaces.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressHeaderFlags, AddressMessage},
    neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState},
    route::{RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use rustix::io::Errno;

use super::netlink::{Failure, Netlink, Request};

/// The origin of the routes that this platform sets. Numbers from 192 up are free for administrators.
const OWN_PROTOCOL: u8 = 0xd2;

/// Adds an address to an interface, if it does not have it.
pub(in super::super) fn address(index: u32, address: IpNet) -> Request {
    let mut message = address_message(index, address);
    // Without duplicate address detection an IPv6 address is usable at once.
    message.header.flags = AddressHeaderFlags::Nodad;
    let what = format!("set the address {address}");
    Request {
        message: RouteNetlinkMessage::NewAddress(message),
        flags: NLM_F_CREATE | NLM_F_REPLACE,
        what,
        fine: &[Errno::EXIST],
    }
}

/// Sets a route; without a network, the default route.
pub(in super::super) fn route(to: Option<IpNet>, via: IpAddr) -> Request {
    let message = RouteNetlinkMessage::NewRoute(route_message(to, via));
    let what = to.map_or_else(
        || format!("set the default route via {via}"),
        |to| format!("set the route to {to} via {via}"),
    );
    Request { message, flags: NLM_F_CREATE | NLM_F_REPLACE, what, fine: &[] }
}

/// Sets a permanent neighbor: such entries are not subject to the limit of the table that all namespaces share.
pub(in super::super) fn neighbour(index: u32, address: IpAddr, mac: [u8; 6]) -> Request {
    let mut message = NeighbourMessage::default();
    message.header.family = family(address);
    message.header.ifindex = index;
    message.header.state = NeighbourState::Permanent;
    message.header.kind = RouteType::Unicast;
    let destination = match address {
        IpAddr::V4(address) => NeighbourAddress::Inet(address),
        IpAddr::V6(address) => NeighbourAddress::Inet6(address),
    };
    message.attributes.push(NeighbourAttribute::Destination(destination));
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.to_vec()));
    Request {
        message: RouteNetlinkMessage::NewNeighbour(message),
        flags: NLM_F_CREATE | NLM_F_REPLACE,
        what: format!("set the neighbor {address}"),
        fine: &[],
    }
}

impl Netlink {
    /// The addresses of all interfaces, by index; those that the kernel makes itself are left out.
    pub(in super::super) fn addresses(&mut self) -> Result<Vec<(u32, IpNet)>, Failure> {
        let all = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let found = self.dump(&all, "list addresses")?;
        Ok(found.into_iter().filter_map(found_address).collect())
    }

    /// The routes that this platform set: network (`None`: the default route) and next router.
    pub(in super::super) fn own_routes(&mut self) -> Result<Vec<(Option<IpNet>, IpAddr)>, Failure> {
        let all = RouteNetlinkMessage::GetRoute(RouteMessage::default());
        let found = self.dump(&all, "list routes")?;
        Ok(found.into_iter().filter_map(found_route).collect())
    }

    /// Removes a route that this platform set.
    pub(in super::super) fn remove_route(&mut self, to: Option<IpNet>, via: IpAddr) -> Result<(), Failure> {
        let message = RouteNetlinkMessage::DelRoute(route_message(to, via));
        let what = format!("remove the route via {via}");
        self.run(vec![Request { message, flags: 0, what, fine: &[Errno::SRCH] }])
    }
}

fn found_address(message: RouteNetlinkMessage) -> Option<(u32, IpNet)> {
    let RouteNetlinkMessage::NewAddress(message) = message else { return None };
    let is_own = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
    };
    let local = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let remote = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Address(address) => Some(*address),
        _ => None,
    });
    let address = local.or(remote).filter(|address| !is_own(address))?;
    Some((message.header.index, IpNet::new(address, message.header.prefix_len).ok()?))
}

fn found_route(message: RouteNetlinkMessage) -> Option<(Option<IpNet>, IpAddr)> {
    let RouteNetlinkMessage::NewRoute(message) = message else { return None };
    if u8::from(message.header.protocol) != OWN_PROTOCOL {
        return None;
    }
    let ip = |address: &netlink_packet_route::route::RouteAddress| match address {
        netlink_packet_route::route::RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        netlink_packet_route::route::RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    };
    let mut to = None;
    let mut via = None;
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => {
                to = ip(address)
                    .and_then(|address| IpNet::new(address, message.header.destination_prefix_length).ok());
            }
            RouteAttribute::Gateway(address) => via = ip(address),
            _ => {}
        }
    }
    Some((to, via?))
}

fn address_message(index: u32, address: IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address.addr());
    message.header.prefix_len = address.prefix_len();
    message.header.index = index;
    message.attributes.push(AddressAttribute::Local(address.addr()));
    message.attributes.push(AddressAttribute::Address(address.addr()));
    message
}

fn route_message(to: Option<IpNet>, via: IpAddr) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(via);
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::from(OWN_PROTOCOL);
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    if let Some(to) = to {
        message.header.destination_prefix_length = to.prefix_len();
        message.attributes.push(RouteAttribute::Destination(to.network().into()));
    }
    message.attributes.push(RouteAttribute::Gateway(via.into()));
    message
}

const fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}
