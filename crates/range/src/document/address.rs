//! Networks and addresses as texts, and what a rule allows.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use super::names::BadText;
use crate::{fault::FaultCode, read::text_form};

/// The subnet of a network, IPv4 or IPv6, without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cidr(pub IpNet);

impl Cidr {
    pub(crate) const WHAT: &str = "subnet";
    const PATTERN: &str = "^[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}$";
    pub(crate) const FORM: &str = "use the address of a network with its prefix, such as `10.0.1.0/24` or `fd00:1::/64`; \
                        IPv4 prefixes are 8 to 30, IPv6 prefixes 32 to 126";

    fn parse(text: &str) -> Result<Self, BadText> {
        let bad = || BadText::invalid("subnet", text);
        let (address, prefix) = text.split_once('/').ok_or_else(bad)?;
        let is_number =
            !prefix.is_empty() && prefix.len() <= 3 && prefix.bytes().all(|byte| byte.is_ascii_digit());
        // The standard library refuses what could be octal, such as `010.0.0.0`.
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let prefix: u8 =
            Some(prefix).filter(|_| is_number).and_then(|prefix| prefix.parse().ok()).ok_or_else(bad)?;
        let net = IpNet::new(address, prefix).map_err(|_| bad())?;
        let (least, most) = if net.addr().is_ipv4() { (8, 30) } else { (32, 126) };
        if !(least..=most).contains(&net.prefix_len()) {
            let message = format!("the prefix of `{text}` is out of range: {least} to {most} are allowed");
            return Err(BadText::new(FaultCode::OutOfRange, message));
        }
        if net.trunc() != net {
            let message = format!("`{text}` is an address of the network `{}`, not the network", net.trunc());
            return Err(BadText::new(FaultCode::Invalid, message));
        }
        Ok(Self(net))
    }

    /// The address with this number in the network, if there is one that a machine can have: IPv4 reserves the first and the last
    /// address of a network, IPv6 the first.
    #[must_use]
    pub fn host(&self, number: u128) -> Option<IpAddr> {
        if number == 0 || number > self.last_host() {
            return None;
        }
        match self.0 {
            IpNet::V4(net) => {
                let number = u32::try_from(number).ok()?;
                Some(IpAddr::V4((u32::from(net.network()) + number).into()))
            }
            IpNet::V6(net) => Some(IpAddr::V6((u128::from(net.network()) + number).into())),
        }
    }

    /// The number of the last address that a machine can have.
    #[must_use]
    pub fn last_host(&self) -> u128 {
        match self.0 {
            IpNet::V4(net) => (1_u128 << (32 - net.prefix_len())) - 2,
            IpNet::V6(net) => (1_u128 << (128 - net.prefix_len())) - 1,
        }
    }

    /// The number of an address in the network, if a machine can have it.
    #[must_use]
    pub fn number_of(&self, address: IpAddr) -> Option<u128> {
        let number = match (self.0, address) {
            (IpNet::V4(net), IpAddr::V4(address)) => {
                u128::from(u32::from(address).checked_sub(u32::from(net.network()))?)
            }
            (IpNet::V6(net), IpAddr::V6(address)) => {
                u128::from(address).checked_sub(u128::from(net.network()))?
            }
            _ => return None,
        };
        (1..=self.last_host()).contains(&number).then_some(number)
    }

    /// The number of the first machine: `.10`, or right after the gateway where the network is small.
    #[must_use]
    pub fn first_machine(&self) -> u128 {
        match self.0 {
            IpNet::V4(_) if self.last_host() >= 14 => 10,
            IpNet::V6(_) if self.last_host() >= 0x20 => 0x10,
            _ => 2,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The address of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub IpAddr);

impl Address {
    pub(crate) const WHAT: &str = "address";
    const PATTERN: &str = "^[0-9A-Fa-f:.]{2,45}$";
    pub(crate) const FORM: &str = "use an IPv4 or IPv6 address without a prefix, such as `10.0.1.10`";

    fn parse(text: &str) -> Result<Self, BadText> {
        text.parse().map(Self).map_err(|_| BadText::invalid("address", text))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a rule lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Allow {
    /// Everything.
    Any,
    /// Echo requests and the like.
    Icmp,
    /// TCP to these ports, both included.
    Tcp(u16, u16),
    /// UDP to these ports, both included.
    Udp(u16, u16),
}

impl Allow {
    pub(crate) const WHAT: &str = "permission";
    const PATTERN: &str = "^(any|icmp|(tcp|udp)(/[0-9]{1,5}(-[0-9]{1,5})?)?)$";
    pub(crate) const FORM: &str =
        "use `any`, `icmp`, `tcp`, `udp`, `tcp/22` or `udp/5000-5010`; ports are 1 to 65535";

    fn parse(text: &str) -> Result<Self, BadText> {
        let bad = || BadText::invalid("permission", text);
        let (protocol, ports) =
            text.split_once('/').map_or((text, None), |(name, ports)| (name, Some(ports)));
        let port = |text: &str| {
            let is_number =
                !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok()).flatten().filter(|port| *port > 0).ok_or_else(bad)
        };
        let (first, last) = match ports.map(|ports| ports.split_once('-').unwrap_or((ports, ports))) {
            None => (1, u16::MAX),
            Some((first, last)) => (port(first)?, port(last)?),
        };
        match (protocol, ports) {
            _ if first > last => Err(bad()),
            ("any", None) => Ok(Self::Any),
            ("icmp", None) => Ok(Self::Icmp),
            ("tcp", _) => Ok(Self::Tcp(first, last)),
            ("udp", _) => Ok(Self::Udp(first, last)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, first, last) = match *self {
            Self::Any => return f.write_str("any"),
            Self::Icmp => return f.write_str("icmp"),
            Self::Tcp(first, last) => ("tcp", first, last),
            Self::Udp(first, last) => ("udp", first, last),
        };
        match (first, last) {
            (1, u16::MAX) => f.write_str(name),
            (first, last) if first == last => write!(f, "{name}/{first}"),
            (first, last) => write!(f, "{name}/{first}-{last}"),
        }
    }
}

text_form!(Cidr, Address, Allow);
