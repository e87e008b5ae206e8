//! Who calls, and from where.

use std::{fmt, net::IpAddr};

use actix_web::{HttpMessage, HttpRequest};
use engine::Submitter;
use jiff::Timestamp;
use model::{Actor, Role};
use sha2::{Digest, Sha256};

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// A name for logs and the audit.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How it is known.
    pub via: Via,
    /// From where it calls.
    pub address: Address,
    /// When what it is known by is worth nothing any more, if that is told.
    pub expires_at: Option<Timestamp>,
}

impl Caller {
    /// The caller of a request, as its jobs name it.
    pub(crate) fn submitter_of(request: &HttpRequest) -> Submitter {
        request.extensions().get::<Self>().map(Self::submitter).unwrap_or_default()
    }

    fn submitter(&self) -> Submitter {
        let name = match self.via {
            Via::None => None,
            Via::Token(_) | Via::Gateway | Via::Jwt => Some(self.name.clone()),
        };
        Submitter { actor: Actor::Caller { name }, mark: self.mark() }
    }

    /// A short text that no two callers share; `None` for who is not known by name. What a gateway and an issuer call
    /// the same is the same caller.
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

/// How a caller is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Via {
    /// Nobody asked.
    None,
    /// A trusted gateway says so.
    Gateway,
    /// By the API token of this id.
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

/// From where somebody calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// Where the connection comes from.
    pub peer: Option<IpAddr>,
    /// Whom a trusted gateway names.
    pub forwarded: Option<IpAddr>,
}

impl Address {
    /// The caller's own, as far as is known.
    pub(crate) const fn client(&self) -> Option<IpAddr> {
        match self.forwarded {
            Some(address) => Some(address),
            None => self.peer,
        }
    }
}

/// For whom calls and watchers are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// A caller who is known.
    Known(Via, String),
    /// Somebody at this address; of IPv6 only the network counts, since one customer has 2^64 addresses.
    At(Option<IpAddr>),
    /// All whom there is no more room to tell apart.
    Others,
}

impl Client {
    /// Those who are not known by name are told apart by their address.
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
