//! The caller of a request, and its network address.

use std::{fmt, net::IpAddr};

use actix_web::{HttpMessage, HttpRequest};
use engine::Submitter;
use jiff::Timestamp;
use model::{Actor, Role};
use sha2::{Digest, Sha256};

/// The authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The name in logs and in the audit log.
    pub name: String,
    /// The role of the caller.
    pub role: Role,
    /// How the caller was authenticated.
    pub via: Via,
    /// The network address of the caller.
    pub address: Address,
    /// When the credentials expire, if they do.
    pub expires_at: Option<Timestamp>,
}

impl Caller {
    /// The caller of a request, as the submitter of its jobs.
    pub(crate) fn submitter_of(request: &HttpRequest) -> Submitter {
        request.extensions().get::<Self>().map(Self::submitter).unwrap_or_default()
    }

    fn submitter(&self) -> Submitter {
        let name = self.known_name().map(str::to_owned);
        Submitter { actor: Actor::Caller { name }, mark: self.mark() }
    }

    /// The name; `None` for anonymous callers.
    pub(crate) fn known_name(&self) -> Option<&str> {
        match self.via {
            Via::None => None,
            Via::Token(_) | Via::Gateway | Via::Jwt => Some(&self.name),
        }
    }

    /// A short string that is unique per caller; `None` for anonymous callers. A gateway consumer and a JWT bearer
    /// with the same name are the same caller.
    pub(crate) fn mark(&self) -> Option<String> {
        let name = match &self.via {
            Via::None => return None,
            Via::Token(id) => format!("token:{id}"),
            Via::Gateway | Via::Jwt => format!("name:{}", self.name),
        };
        let hash = Sha256::digest(name);
        Some(hash[..12].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// How a caller was authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Via {
    /// Authentication is disabled.
    None,
    /// By the identity headers of a trusted gateway.
    Gateway,
    /// By the API token with this ID.
    Token(String),
    /// By a signed JWT.
    Jwt,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Gateway => f.write_str("gateway"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::Jwt => f.write_str("jwt"),
        }
    }
}

/// The network address of a caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// The peer address of the connection.
    pub peer: Option<IpAddr>,
    /// The client address that a trusted gateway forwards.
    pub forwarded: Option<IpAddr>,
}

impl Address {
    /// The client's own address, as far as it is known.
    pub(crate) const fn client(&self) -> Option<IpAddr> {
        match self.forwarded {
            Some(address) => Some(address),
            None => self.peer,
        }
    }
}

/// A client to whom requests and watchers are attributed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// An authenticated caller.
    Known(Via, String),
    /// An anonymous client at this address. For IPv6 only the network part is used, because one customer has 2^64
    /// addresses.
    At(Option<IpAddr>),
    /// All clients that exceed the number of clients that are counted separately.
    Others,
}

impl Client {
    /// Anonymous callers are identified by their address.
    pub(super) fn of(caller: &Caller) -> Self {
        match caller.via {
            Via::None => Self::at(caller.address),
            _ => Self::Known(caller.via.clone(), caller.name.clone()),
        }
    }

    pub(super) fn at(address: Address) -> Self {
        Self::At(address.client().map(|address| match address {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
            IpAddr::V4(_) => address,
        }))
    }
}
