//! Trusted gateways in front of the service: recognizes them, and reads the consumer and the client address that
//! they send.
//!
//! A gateway is trusted when its peer address is listed and it sends the shared secret; if only one of the two is
//! configured, that one is sufficient. Identity and address headers of other peers are ignored.

use std::net::IpAddr;

use actix_web::http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(super) const CONSUMER: &str = "x-consumer-username";
pub(super) const GROUPS: &str = "x-consumer-groups";
/// Kong sets this header when it names the anonymous consumer for a request without credentials.
pub(super) const ANONYMOUS: &str = "x-anonymous-consumer";
const FORWARDED: &str = "x-forwarded-for";

/// The trusted gateways.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// The shared secret that they send.
    pub secret: Option<SecretString>,
    /// The header that contains the secret.
    pub secret_header: HeaderName,
    /// Their addresses.
    pub addresses: Vec<IpNet>,
}

impl Gateway {
    /// Whether the peer of this connection is a trusted gateway.
    pub(super) fn is(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
        match (&self.secret, self.addresses.as_slice()) {
            (None, []) => false,
            (None, _) => self.is_listed(peer),
            (Some(secret), []) => self.sends(secret, headers),
            (Some(secret), _) => self.is_listed(peer) && self.sends(secret, headers),
        }
    }

    fn is_listed(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| self.addresses.iter().any(|network| network.contains(&peer)))
    }

    /// Compares hashes, so that timing does not even reveal the length.
    fn sends(&self, secret: &SecretString, headers: &HeaderMap) -> bool {
        let sent = headers.get(&self.secret_header).map_or(&b""[..], |value| value.as_bytes());
        let (sent, wanted) = (Sha256::digest(sent), Sha256::digest(secret.expose_secret()));
        sent.ct_eq(&wanted).into()
    }

    /// The client address of a trusted gateway: the last address in `X-Forwarded-For` that is not a gateway.
    pub(super) fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let hops = headers.get_all(FORWARDED).filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut last = None;
        for hop in hops.iter().rev() {
            let address = hop.parse::<IpAddr>().ok()?.to_canonical();
            last = Some(address);
            if !self.is_listed(last) {
                break;
            }
        }
        last
    }
}

/// The single value of a header; `None` when the header is missing, repeated, or not UTF-8.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => std::str::from_utf8(value.as_bytes()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn gateway(secret: Option<&str>, addresses: &[&str]) -> Gateway {
        Gateway {
            secret: secret.map(SecretString::from),
            secret_header: HeaderName::from_static("x-gateway-secret"),
            addresses: addresses.iter().map(|network| network.parse().expect("a network")).collect(),
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn what_is_set_must_all_be_right() {
        let peer = |text: &str| Some(text.parse().expect("an address"));
        let sends = |secret| headers(&[("x-gateway-secret", secret)]);
        for (gateway, peer, headers, is_ours) in [
            (gateway(None, &[]), peer("10.0.0.1"), sends("s"), false),
            (gateway(Some("s"), &[]), peer("10.0.0.1"), sends("s"), true),
            (gateway(Some("s"), &[]), peer("10.0.0.1"), sends("S"), false),
            (gateway(Some("s"), &[]), peer("10.0.0.1"), headers(&[]), false),
            (gateway(None, &["10.0.0.0/8"]), peer("10.9.9.9"), headers(&[]), true),
            (gateway(None, &["10.0.0.0/8"]), peer("11.0.0.1"), headers(&[]), false),
            (gateway(None, &["10.0.0.0/8"]), None, headers(&[]), false),
            (gateway(Some("s"), &["10.0.0.0/8"]), peer("10.0.0.1"), headers(&[]), false),
            (gateway(Some("s"), &["10.0.0.0/8"]), peer("11.0.0.1"), sends("s"), false),
            (gateway(Some("s"), &["10.0.0.0/8"]), peer("10.0.0.1"), sends("s"), true),
        ] {
            assert_eq!(gateway.is(peer, &headers), is_ours, "{gateway:?} {peer:?} {headers:?}");
        }
    }

    #[test]
    fn the_forwarded_address_is_the_last_that_is_no_gateway() {
        let gateway = gateway(None, &["10.0.0.0/8"]);
        let forwarded = |list| gateway.forwarded(&headers(&[("x-forwarded-for", list)]));
        let at = |text: &str| Some(text.parse().expect("an address"));
        assert_eq!(forwarded("192.0.2.1"), at("192.0.2.1"));
        assert_eq!(forwarded("6.6.6.6, 192.0.2.1, 10.0.0.2"), at("192.0.2.1"), "the caller wrote the first");
        assert_eq!(forwarded("10.0.0.3, 10.0.0.2"), at("10.0.0.3"));
        assert_eq!(forwarded("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_eq!(forwarded("nonsense"), None);
        assert_eq!(gateway.forwarded(&headers(&[])), None);
    }
}
