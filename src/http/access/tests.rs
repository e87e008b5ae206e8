//! Authentication: a table of credentials, stored data, and options.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use model::{Role, Token};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::{
    Gateway, Groups, Mode, Options, Quota, Rate, Unread,
    caller::Via,
    decide::{LookedUp, Presented, Rejection, decide},
    host::Hosts,
};
use crate::settings::OriginPattern;

const SECRET: &str = "s3cret-of-the-gateway";
const ID: &str = "0123456789ab";

fn token_text() -> String {
    format!("rh_{ID}_{}", "5a".repeat(32))
}

fn token(expires_s: Option<i64>, revoked_s: Option<i64>) -> Token {
    let at = |second| Timestamp::from_second(second).expect("a time");
    Token {
        id: ID.to_owned(),
        name: "ci".to_owned(),
        role: Role::Operator,
        hash: Sha256::digest(token_text()).into(),
        created_at: at(0),
        expires_at: expires_s.map(at),
        revoked_at: revoked_s.map(at),
        used_at: None,
    }
}

fn options(modes: &[Mode], addresses: &[&str], secret: Option<&str>) -> Options {
    let rate = Rate { per_minute: 0, burst: 1 };
    let groups = |name: &str| vec![name.to_owned()];
    Options {
        modes: modes.to_vec(),
        gateway: Gateway {
            secret: secret.map(SecretString::from),
            secret_header: HeaderName::from_static("x-gateway-secret"),
            addresses: addresses.iter().map(|text| text.parse().expect("a network")).collect(),
        },
        groups: Groups {
            viewer: groups("viewer"),
            operator: groups("operator"),
            admin: groups("admin"),
            default: None,
        },
        jwt: None,
        hosts: Hosts::any(),
        origins: OriginPattern::parse("x").expect("a pattern"),
        allow_unauthenticated_metrics: false,
        reads: rate,
        writes: rate,
        watchers: Quota { per_client: 0, total: 0 },
        unread: Unread { quota: Quota { per_client: 0, total: 0 }, deadline: std::time::Duration::MAX },
    }
}

fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"));
    }
    headers
}

/// The decision as a string.
fn decided(options: &Options, pairs: &[(&'static str, String)], peer: &str, token: Option<&Token>) -> String {
    let headers = headers(pairs);
    let asked =
        Presented { headers: &headers, peer: Some(peer.parse().expect("an address")), access_token: None };
    let known = LookedUp { token, keys: None, now: Timestamp::from_second(100).expect("a time") };
    match decide(&asked, &known, options) {
        Ok(caller) => format!("{} {} {}", caller.name, caller.role, caller.via),
        Err(Rejection::NoCredentials) => "none".to_owned(),
        Err(Rejection::BadCredentials(why)) => format!("bad: {why}"),
        Err(Rejection::NoRole) => "no role".to_owned(),
        Err(Rejection::Unavailable(_)) => "unavailable".to_owned(),
    }
}

fn consumer(name: &str, groups: &str) -> Vec<(&'static str, String)> {
    vec![("x-consumer-username", name.to_owned()), ("x-consumer-groups", groups.to_owned())]
}

fn and(
    mut pairs: Vec<(&'static str, String)>,
    name: &'static str,
    value: &str,
) -> Vec<(&'static str, String)> {
    pairs.push((name, value.to_owned()));
    pairs
}

fn bearer(text: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {text}"))]
}

#[test]
fn only_a_configured_gateway_is_trusted() {
    let both = options(&[Mode::Gateway], &["10.0.0.0/8"], Some(SECRET));
    let ann = || consumer("ann", "staff, operator");
    for (pairs, peer, wanted) in [
        (and(ann(), "x-gateway-secret", SECRET), "10.0.0.1", "ann operator gateway"),
        (and(ann(), "x-gateway-secret", SECRET), "::ffff:10.0.0.1", "ann operator gateway"),
        (and(ann(), "x-gateway-secret", SECRET), "192.0.2.1", "none"),
        (and(ann(), "x-gateway-secret", "wrong"), "10.0.0.1", "none"),
        (and(and(ann(), "x-gateway-secret", "wrong"), "x-gateway-secret", SECRET), "10.0.0.1", "none"),
        (ann(), "10.0.0.1", "none"),
        (and(consumer("ann", "x"), "x-gateway-secret", SECRET), "10.0.0.1", "no role"),
        (
            and(consumer("", "admin"), "x-gateway-secret", SECRET),
            "10.0.0.1",
            "bad: the name of the consumer is invalid",
        ),
        (
            and(and(ann(), "x-consumer-username", "root"), "x-gateway-secret", SECRET),
            "10.0.0.1",
            "bad: the name of the consumer is invalid",
        ),
        (
            and(and(ann(), "x-consumer-groups", "admin"), "x-gateway-secret", SECRET),
            "10.0.0.1",
            "bad: the groups of the consumer are invalid",
        ),
        (and(and(ann(), "x-anonymous-consumer", "true"), "x-gateway-secret", SECRET), "10.0.0.1", "none"),
        (vec![("x-gateway-secret", SECRET.to_owned())], "10.0.0.1", "none"),
    ] {
        assert_eq!(decided(&both, &pairs, peer, None), wanted, "{pairs:?} {peer}");
    }
    let tokens = options(&[Mode::Token], &["10.0.0.0/8"], Some(SECRET));
    let pairs = and(ann(), "x-gateway-secret", SECRET);
    assert_eq!(decided(&tokens, &pairs, "10.0.0.1", None), "none", "the mode is not on");
}

#[test]
fn a_token_is_good_as_a_whole_or_not_at_all() {
    let options = options(&[Mode::Token], &[], None);
    let good = token(Some(200), None);
    let other = format!("rh_{ID}_{}", "5b".repeat(32));
    for (pairs, token, wanted) in [
        (bearer(&token_text()), Some(good.clone()), "ci operator token:0123456789ab"),
        (
            vec![("authorization", format!("bearer  {}", token_text()))],
            Some(good.clone()),
            "ci operator token:0123456789ab",
        ),
        (bearer(&other), Some(good.clone()), "bad: there is no such token"),
        (bearer(&token_text()), None, "bad: there is no such token"),
        (bearer(&token_text()), Some(token(Some(100), None)), "bad: the token has expired"),
        (bearer(&token_text()), Some(token(None, Some(50))), "bad: the token was revoked"),
        (bearer(&token_text()[..40]), Some(good.clone()), "bad: they are of no kind that is taken here"),
        (
            vec![("authorization", format!("Basic {}", token_text()))],
            Some(good.clone()),
            "bad: they are of no kind that is taken here",
        ),
        (
            and(bearer(&token_text()), "authorization", "Bearer x"),
            Some(good.clone()),
            "bad: they are of no kind that is taken here",
        ),
        (bearer("a.b.c"), None, "bad: they are of no kind that is taken here"),
        (vec![], None, "none"),
    ] {
        assert_eq!(decided(&options, &pairs, "192.0.2.1", token.as_ref()), wanted, "{pairs:?}");
    }
}

#[test]
fn modes_combine_and_a_gateways_word_counts_first() {
    let options = options(&[Mode::Gateway, Mode::Token], &["10.0.0.0/8"], None);
    let good = token(None, None);
    let both: Vec<_> = consumer("ann", "viewer").into_iter().chain(bearer(&token_text())).collect();
    assert_eq!(decided(&options, &both, "10.0.0.1", Some(&good)), "ann viewer gateway");
    assert_eq!(decided(&options, &both, "192.0.2.1", Some(&good)), "ci operator token:0123456789ab");
    assert_eq!(decided(&options, &consumer("ann", "viewer"), "192.0.2.1", None), "none");
    assert_eq!(
        decided(&options, &bearer(&token_text()), "10.0.0.1", Some(&good)),
        "ci operator token:0123456789ab"
    );
}

#[test]
fn without_authentication_every_client_is_accepted() {
    let options = options(&[Mode::None], &[], None);
    for pairs in [vec![], bearer("x"), consumer("root", "admin")] {
        assert_eq!(decided(&options, &pairs, "127.0.0.1", None), "anybody admin none", "{pairs:?}");
    }
}

#[test]
fn a_forwarded_address_counts_only_from_a_trusted_gateway() {
    let options = options(&[Mode::None], &["10.0.0.0/8"], None);
    let headers = headers(&[("x-forwarded-for", "192.0.2.9".to_owned())]);
    let client = |peer: &str| {
        let asked = Presented { headers: &headers, peer: peer.parse().ok(), access_token: None };
        super::decide::address(&asked, &options).client()
    };
    assert_eq!(client("10.0.0.1"), "192.0.2.9".parse().ok());
    assert_eq!(client("203.0.113.1"), "203.0.113.1".parse().ok());
    assert_eq!(Via::Token("x".to_owned()).to_string(), "token:x");
}
