//! Bridges and veth pairs: requests that change them, and what the kernel says of them.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::netlink::{Failure, Netlink, Request};

/// A network interface as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Link {
    pub(in super::super) index: u32,
    pub(in super::super) name: String,
    /// The bridge that it is a port of.
    pub(in super::super) bridge: Option<u32>,
    pub(in super::super) mac: Vec<u8>,
    pub(in super::super) group: u32,
    pub(in super::super) alias: String,
    pub(in super::super) is_up: bool,
}

/// A veth pair to be made: one end here as the port of a bridge, the other one in another namespace.
#[derive(Debug)]
pub(in super::super) struct Veth<'a> {
    pub(in super::super) name: &'a str,
    pub(in super::super) group: u32,
    /// The index of the bridge; without it the end is no port.
    pub(in super::super) bridge: Option<u32>,
    pub(in super::super) peer: &'a str,
    pub(in super::super) peer_namespace: BorrowedFd<'a>,
    pub(in super::super) peer_mac: [u8; 6],
}

/// A bridge with this name and group, up.
pub(in super::super) fn bridge(name: &str, group: u32) -> Request {
    let mut message = named(name);
    message.attributes.push(LinkAttribute::Group(group));
    message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]));
    set_up(&mut message);
    create(message, format!("make the bridge `{name}`"))
}

/// The pair. Its end here is up; the other one cannot be: the kernel opens it before both are linked (ENOTCONN).
pub(in super::super) fn veth(veth: &Veth<'_>) -> Request {
    let mut peer = named(veth.peer);
    peer.attributes.push(LinkAttribute::NetNsFd(veth.peer_namespace.as_raw_fd()));
    peer.attributes.push(LinkAttribute::Address(veth.peer_mac.to_vec()));
    peer.attributes.push(LinkAttribute::Group(veth.group));
    let mut message = named(veth.name);
    message.attributes.push(LinkAttribute::Group(veth.group));
    if let Some(bridge) = veth.bridge {
        message.attributes.push(LinkAttribute::Controller(bridge));
    }
    let data = InfoData::Veth(InfoVeth::Peer(peer));
    let info = vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(data)];
    message.attributes.push(LinkAttribute::LinkInfo(info));
    set_up(&mut message);
    create(message, format!("make the veth pair `{}`", veth.name))
}

/// Sets the alias. It is ignored when a link is made.
pub(in super::super) fn rename_alias(name: &str, alias: &str) -> Request {
    let mut message = named(name);
    message.attributes.push(LinkAttribute::IfAlias(alias.to_owned()));
    set(message, format!("set the alias of `{name}`"))
}

/// Sets a link up.
pub(in super::super) fn up(name: &str) -> Request {
    let mut message = named(name);
    set_up(&mut message);
    set(message, format!("set `{name}` up"))
}

/// Removes a link, if it is there.
pub(in super::super) fn delete(name: &str) -> Request {
    let what = format!("remove `{name}`");
    Request { message: RouteNetlinkMessage::DelLink(named(name)), flags: 0, what, fine: &[Errno::NODEV] }
}

impl Netlink {
    /// The link with this name.
    pub(in super::super) fn link(&mut self, name: &str) -> Result<Option<Link>, Failure> {
        let what = format!("find `{name}`");
        match self.get(RouteNetlinkMessage::GetLink(named(name)), &what) {
            Ok(RouteNetlinkMessage::NewLink(message)) => Ok(Some(Link::from(message))),
            Ok(_) => Ok(None),
            Err(failure) if failure.is(Errno::NODEV) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All links of the namespace.
    pub(in super::super) fn links(&mut self) -> Result<Vec<Link>, Failure> {
        let all = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let found = self.dump(&all, "list network interfaces")?;
        let links = found.into_iter().filter_map(|message| match message {
            RouteNetlinkMessage::NewLink(message) => Some(Link::from(message)),
            _ => None,
        });
        Ok(links.collect())
    }
}

impl From<LinkMessage> for Link {
    fn from(message: LinkMessage) -> Self {
        let is_up = message.header.flags.contains(LinkFlags::Up);
        let mut link = Self { index: message.header.index, is_up, ..Self::default() };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::Controller(index) => link.bridge = Some(index),
                LinkAttribute::Address(mac) => link.mac = mac,
                LinkAttribute::Group(group) => link.group = group,
                LinkAttribute::IfAlias(alias) => link.alias = alias,
                _ => {}
            }
        }
        link
    }
}

fn named(name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    message
}

fn set_up(message: &mut LinkMessage) {
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
}

fn create(message: LinkMessage, what: String) -> Request {
    let flags = NLM_F_CREATE | NLM_F_EXCL;
    Request { message: RouteNetlinkMessage::NewLink(message), flags, what, fine: &[] }
}

fn set(message: LinkMessage, what: String) -> Request {
    Request { message: RouteNetlinkMessage::SetLink(message), flags: 0, what, fine: &[] }
}
